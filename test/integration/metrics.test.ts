/** What `/metrics` of a real server shows in the situations that it is read in: fresh, waiting, behind, refusing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { PROBLEMS, type ProblemCode } from '../../src/errors.js';
import { sequenceRoutes } from '../../src/residents/fibonacci/routes.js';
import { ready } from '../support/actor-server.js';
import { get } from '../support/http-client.js';
import { type Scrape, scrape } from '../support/metrics.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

/** A state of a socket, as /proc writes it. */
const LISTEN = '0A';
const FAULTS = { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' };

t.test(
  'a fresh process shows a zero for every answer that it can give, so that a first burst is a rise',
  async (t) => {
    const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
    const metrics = await scrape(warren.adminUrl);
    for (const { path, methods, problems } of sequenceRoutes(() => () => {})) {
      for (const method of methods) {
        const answer = (status: number, code: string) =>
          `warren_requests_total{actor="fibonacci",method="${method}",path="${path}",status="${status}",code="${code}"}`;
        t.equal(metrics.value(answer(200, '')), 0, `${method} ${path}`);
        for (const code of [...problems, 'internal'] satisfies ProblemCode[]) {
          t.equal(metrics.value(answer(PROBLEMS[code].status, code)), 0, `${method} ${path} ${code}`);
        }
      }
    }
    for (const code of ['ask-timeout', 'internal', 'poisoned', 'store-unavailable']) {
      t.match(
        metrics.text,
        `path="/next",status="${PROBLEMS[code as ProblemCode].status}",code="${code}"} 0\n`,
      );
    }
    t.match(
      metrics.text,
      'warren_requests_total{actor="",method="ANY",path="other",status="404",code="not-found"} 0\n',
    );
    t.notMatch(metrics.text, 'path="/health",status="504"', 'and none for what it cannot');
  },
);

t.test('what waits has an age, and every thread its figures', async (t) => {
  const warren = await startWarren(t, { env: { ...FAULTS, COMMIT_TIMEOUT_MS: '30000' } });
  await fault(warren, 'slow-store?ms=4000');
  await ready(warren);
  const idle = await scrape(warren.adminUrl);
  t.equal(idle.value('warren_oldest_pending_request_seconds'), 0);
  t.equal(idle.value('warren_unstored_actors'), 0);
  const since = performance.now();
  const answer = get(warren.url, '/next');
  const busy = await scrapeUntil(warren, (metrics) => metrics.value('warren_pending_requests') > 0);
  const age = busy.value('warren_oldest_pending_request_seconds');
  t.ok(age >= 0 && age <= (performance.now() - since) / 1000, `${age} s`);
  const older = await scrape(warren.adminUrl);
  t.ok(older.value('warren_oldest_pending_request_seconds') > age, 'it grows');
  t.equal((await answer).status, 200);
  t.equal(busy.value('warren_epoch'), 1);
  // The actor counts from its turn on; whether the owner had told of that is a matter of moments.
  t.ok(busy.value('warren_unstored_actors') <= 1);
  await scrapeUntil(warren, (metrics) => metrics.value('warren_unstored_actors') === 0);
  for (const thread of ['main', 'owner']) {
    const lag = busy.value(`warren_event_loop_lag_seconds{thread="${thread}"}`);
    t.ok(lag >= 0 && lag < Number.POSITIVE_INFINITY, `${thread} is ${lag} s late`);
    const share = busy.value(`warren_event_loop_utilization{thread="${thread}"}`);
    t.ok(share >= 0 && share <= 1, `${thread} is busy for ${share}`);
  }
  for (const thread of ['main', 'owner']) {
    const heap = busy.value(`warren_heap_bytes{thread="${thread}"}`);
    const limit = busy.value(`warren_heap_limit_bytes{thread="${thread}"}`);
    t.ok(heap > 1e6 && heap < limit, `${thread}: ${heap} of ${limit} bytes`);
  }
});

t.test('with async durability the lag is what the store does not have yet', async (t) => {
  const warren = await startWarren(t, { env: { ...FAULTS, DURABILITY: 'async' } });
  await ready(warren);
  await fault(warren, 'slow-store?ms=2000');
  for (let index = 1; index <= 5; index++) await get(warren.url, '/next');
  await scrapeUntil(warren, (metrics) => metrics.value('warren_unstored_actors') > 0);
  await fault(warren, 'slow-store?ms=0');
  await scrapeUntil(warren, (metrics) => metrics.value('warren_unstored_actors') === 0);
});

t.test('taking the fence is a commit, and no group', async (t) => {
  const warren = await startWarren(t, { env: FAULTS });
  await ready(warren);
  await get(warren.url, '/next');
  await fault(warren, 'crash-owner');
  await warren.waitForLog((line) => line['epoch'] === 2);
  const metrics = await scrapeUntil(warren, (now) => now.value('warren_epoch') === 2);
  t.equal(metrics.value('warren_commit_version'), 1, 'a take-over raises the epoch alone');
  t.equal(metrics.value('warren_commit_duration_seconds_count'), 3);
  t.equal(metrics.value('warren_commit_actors_count'), 2, 'the first fence has brought the sequence');
  t.equal(metrics.value('warren_commit_actors_sum'), 2);
});

t.test('refusals are no part of the latency of numbers', async (t) => {
  const warren = await startWarren(t, { env: { ...FAULTS, STORE_GRACE_MS: '0' } });
  await ready(warren);
  await get(warren.url, '/next');
  await fault(warren, 'drop-store?ms=60000');
  for (let count = 0; count < 5; count++) t.equal((await get(warren.url, '/next')).status, 503);
  const metrics = await scrape(warren.adminUrl);
  t.equal(metrics.sum('warren_requests_total', 'status="503"', 'path="/next"'), 5);
  // The front has asked where the sequence stands.
  t.equal(metrics.value('warren_answer_duration_seconds_count{actor="fibonacci"}'), 2);
});

t.test(
  'with an empty ADMIN_HOST_PORT the public port is the only one',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async (t) => {
    const without = await startWarren(t, { env: { ADMIN_HOST_PORT: '' } });
    t.strictSame(listeningPorts(without.pid), [without.port]);
    const having = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
    const adminPort = Number(new URL(having.adminUrl).port);
    t.strictSame(
      listeningPorts(having.pid),
      [having.port, adminPort].toSorted((a, b) => a - b),
    );
  },
);

function fault(warren: WarrenProcess, name: string) {
  return get(warren.adminUrl, `/faults/${name}`, { method: 'POST' });
}

async function scrapeUntil(warren: WarrenProcess, fits: (metrics: Scrape) => boolean): Promise<Scrape> {
  for (;;) {
    const metrics = await scrape(warren.adminUrl);
    if (fits(metrics)) return metrics;
  }
}

/** TCP ports that a process listens on, sorted. A socket is known to the process, and to the table, by its inode. */
function listeningPorts(pid: number): number[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      } catch {
        // Closed meanwhile.
        return undefined;
      }
    }),
  );
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && own.has(fields[9]))
      .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  );
  return ports.toSorted((a, b) => a - b);
}

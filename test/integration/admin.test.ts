/** The admin listener of a real server: its metrics, its door, and the faults that it can command. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { checkHistory } from '../support/linearizability.js';
import { scrape } from '../support/metrics.js';
import { pause } from '../support/pause.js';
import { spawnWarren, startWarren, type WarrenProcess } from '../support/warren-process.js';

const ANY_PORT = { ADMIN_HOST_PORT: '127.0.0.1:0' };
const TOKEN = 'a-token-of-a-good-length';

t.test('metrics agree with what clients have received', async (t) => {
  const warren = await startWarren(t, { env: ANY_PORT });
  const { operations } = await recordHistory({ url: warren.url, clients: 8, seed: 1, operations: 2_000 });
  await get(warren.url, '/nowhere');
  await get(warren.url, '/next?as=roman');
  await get(warren.url, '/current', { method: 'POST' });
  const metrics = await scrape(warren.adminUrl);
  const received = (kind: string) => operations.filter((one) => one.kind === kind).length;
  for (const kind of ['next', 'current', 'previous']) {
    t.equal(metrics.sum('warren_requests_total', `path="/${kind}"`, 'status="200"'), received(kind));
  }
  t.equal(metrics.sum('warren_requests_total', 'code="not-found"'), 1);
  t.equal(metrics.sum('warren_requests_total', 'code="bad-query"', 'path="/next"'), 1);
  t.equal(metrics.sum('warren_requests_total', 'code="method-not-allowed"'), 1);
  // And one of the front's own, which has asked where the sequence stands.
  const turns = operations.length + 1;
  t.equal(metrics.value('warren_turns_total'), turns);
  t.equal(metrics.value('warren_answer_duration_seconds_count{actor="fibonacci"}'), turns);
  t.equal(metrics.value('warren_answer_duration_seconds_bucket{actor="fibonacci",le="+Inf"}'), turns);
  t.equal(metrics.value('warren_batch_messages_sum'), turns);
  // The sequence is one actor. The first commit has only taken the fence.
  const commits = metrics.value('warren_commit_version');
  t.equal(metrics.value('warren_commit_actors_sum'), commits + 1);
  t.equal(metrics.value('warren_commit_duration_seconds_count'), commits + 1);
  t.equal(metrics.value('warren_index'), received('next'));
  t.ok(metrics.value('warren_terms_added_total') >= received('next') - 1);
  t.equal(metrics.value('warren_unsent_bytes'), 0);
  t.equal(metrics.value('warren_ready'), 1);
  t.equal(metrics.value('warren_pending_requests'), 0);
  t.ok(metrics.value('warren_heap_bytes{thread="owner"}') > 1e6);
  t.match(
    metrics.text,
    /^warren_build_info\{version="\d[^"]*",node="[^"]+",store="level",durability="gated"\} 1$/m,
  );
  t.equal((await get(warren.url, '/metrics')).status, 404, 'the public port knows nothing of it');
});

t.test('with a token every path asks for it', async (t) => {
  const warren = await startWarren(t, { env: { ...ANY_PORT, ADMIN_TOKEN: TOKEN, FAULTS: 'on' } });
  for (const path of ['/', '/metrics', '/events', '/faults/crash-owner']) {
    const { status, headers } = await get(warren.adminUrl, path);
    t.equal(status, 401, path);
    t.equal(headers['www-authenticate'], 'Basic realm="Warren", Bearer');
  }
  const headers = { authorization: `Bearer ${TOKEN}` };
  t.equal((await get(warren.adminUrl, '/metrics', { headers })).status, 200);
  t.notMatch(warren.output, TOKEN);
});

t.test('beyond loopback the process refuses to start without a token', async (t) => {
  for (const address of ['0.0.0.0:0', ':0', '[::]:0', 'warren.example:9090']) {
    const warren = await spawnWarren(t, { env: { ADMIN_HOST_PORT: address } });
    t.equal((await warren.exited).code, 78, address);
    t.match(warren.output, /ADMIN_TOKEN is required/);
  }
  const warren = await spawnWarren(t, { env: { ...ANY_PORT, ADMIN_TOKEN: 'too short' } });
  t.equal((await warren.exited).code, 78);
  t.notMatch(warren.output, 'too short', 'a token is never repeated');
});

t.test('a taken admin port that somebody asked for ends the start', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const address = other.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const warren = await spawnWarren(t, { env: { ADMIN_HOST_PORT: `127.0.0.1:${address.port}` } });
  t.equal((await warren.exited).code, 1);
  t.match(warren.output, /cannot listen on ADMIN_HOST_PORT/);
});

t.test('faults are commanded only where they are allowed, and only by POST', async (t) => {
  const warren = await startWarren(t, { env: ANY_PORT });
  t.equal((await fault(warren, 'crash-owner')).status, 403);
  const willing = await startWarren(t, { env: { ...ANY_PORT, FAULTS: 'on' } });
  t.equal((await get(willing.adminUrl, '/faults/crash-owner')).status, 405);
  t.equal((await fault(willing, 'crash-everything')).status, 404);
  t.equal((await fault(willing, 'slow-store')).status, 400);
  t.equal((await fault(willing, 'slow-store?ms=60001')).status, 400);
  t.equal((await fault(willing, 'drop-store?ms=-1')).status, 400);
  t.equal((await scrape(willing.adminUrl)).value('warren_owner_deaths_total'), 0);
});

t.test('under every fault the history stays linearizable, and the service heals', async (t) => {
  const warren = await startWarren(t, {
    env: { ...ANY_PORT, FAULTS: 'on', WATCHDOG_MS: '3000', STORE_GRACE_MS: '300' },
  });
  const end = new AbortController();
  t.teardown(() => end.abort());
  await answered(warren);
  const recording = recordHistory({ url: warren.url, clients: 8, seed: 7, signal: end.signal });
  await fault(warren, 'crash-owner');
  await warren.waitForLog((line) => line['origin'] === 'resumed');
  await fault(warren, 'slow-store?ms=20');
  await fault(warren, 'hang-owner');
  await warren.waitForLog((line) => /did not turn/.test(String(line['reason'])));
  await warren.waitForLog((line) => line['epoch'] === 3);
  await answered(warren);
  await fault(warren, 'drop-store?ms=60000');
  // On a busy machine it may have been away before, so a line of the log says nothing.
  while ((await get(warren.url, '/ready')).status !== 503) await pause();
  await warren.waitForLog((line) => line.msg === 'the store is away');
  t.equal((await get(warren.url, '/health')).status, 200);
  const away = await scrape(warren.adminUrl);
  t.equal(away.value('warren_ready'), 0);
  t.equal((await get(warren.url, '/current')).status, 503);
  await fault(warren, 'drop-store?ms=0');
  await warren.waitForLog((line) => line['origin'] === 'returned');
  await fault(warren, 'slow-store?ms=0');
  await answered(warren);
  end.abort();
  const { operations, complaints } = await recording;
  t.match(checkHistory(operations), { ok: true });
  t.strictSame(complaints, []);
  const metrics = await scrape(warren.adminUrl);
  t.equal(metrics.value('warren_owner_deaths_total'), 2);
  t.equal(metrics.value('warren_ready'), 1);
  t.ok(metrics.value('warren_commit_failures_total') >= 1);
  t.ok(metrics.sum('warren_requests_total', 'code="store-unavailable"') > 0);
  t.equal(await warren.stop(), 0);
});

function fault(warren: WarrenProcess, name: string) {
  return get(warren.adminUrl, `/faults/${name}`, { method: 'POST' });
}

/** Resolves as soon as numbers can be read. */
async function answered(warren: WarrenProcess): Promise<void> {
  while ((await get(warren.url, '/current')).status !== 200) await pause();
}

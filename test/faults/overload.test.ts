/**
 * More load than can be served. Where it queues differs. A front that is short of processor time leaves requests in the
 * kernel's socket buffers, where nothing can shed them: at most one per connection, so the number of connections bounds memory.
 * A store that is slow lets them in and queues them before the owner: there the count (MAILBOX_LIMIT) and the age
 * (SHED_AFTER_MS) turn the rest away with 503. How long all that takes is for `npm run bench -- --scenario i` to say.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { createAgent, get, type HttpAnswer } from '../support/http-client.js';
import { rssMb } from '../support/memory.js';
import { startPatiently } from '../support/patient-start.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';
import { openLoop } from './open-loop.js';

const CONNECTIONS = 2_000;
const STORE_DELAY_MS = 50;
const LOAD_MS = 2_000;
/** Far above what was measured (about 100 MB), far below what a leak under this load would take. */
const MAX_RSS_MB = 400;
/** So long that only a count can turn a request away, however slow the machine is. */
const PATIENCE = { SHED_AFTER_MS: '120000', ASK_TIMEOUT_MS: '120000', COMMIT_TIMEOUT_MS: '60000' };

t.test('a memory store that cannot fall behind: the connections bound everything', async (t) => {
  const warren = await startWarren(t, { env: { ...PATIENCE, STORE: 'memory', DURABILITY: 'async' } });
  await serving(warren);
  t.strictSame(await overload(t, warren), ['200'], 'nothing queues where it could be shed');
});

t.test('a slow store and an ample mailbox: everything is accepted', async (t) => {
  const { warren, link } = await startOnRedis(t);
  link.delay(STORE_DELAY_MS);
  t.strictSame(await overload(t, warren), ['200']);
});

t.test('a small mailbox takes as many as it holds, and the rest is turned away at once', async (t) => {
  const { warren, link } = await startOnRedis(t, { MAILBOX_LIMIT: '64' });
  link.hold(true);
  const asked = ask(warren, 500);
  while (asked.answers.length < 500 - 64) await delay(5);
  t.ok(asked.answers.every(isTurnedAway('mailbox-full')), 'while the store has not said a word');
  link.hold(false);
  await asked.all;
  const served = asked.answers.filter(({ status }) => status === 200);
  t.equal(served.length, 64, 'every other one is served');
  t.equal(await currentIndex(warren.url), 64, 'and no number is lost by a refusal');
});

t.test('a store that stands still: what comes behind an old request is turned away', async (t) => {
  const { warren, link } = await startOnRedis(t, { SHED_AFTER_MS: '200' });
  link.hold(true);
  const old = ask(warren, 10);
  // Nobody waits for these: they are let in until the oldest is too old.
  const early = ask(warren, 0);
  while (!early.answers.some(isTurnedAway('mailbox-full'))) {
    early.more(1);
    await pause();
  }
  const late = ask(warren, 500);
  await late.all;
  t.ok(late.answers.every(isTurnedAway('mailbox-full')), 'at once, while the old ones wait');
  t.strictSame(old.answers, []);
  link.hold(false);
  await Promise.all([old.all, early.all]);
  t.ok(old.answers.every(({ status }) => status === 200));
  const served = [...old.answers, ...early.answers].filter(({ status }) => status === 200).length;
  t.equal(await currentIndex(warren.url), served, 'no number is lost by a refusal');
  t.equal((await get(warren.url, '/next')).status, 200, 'and service goes on');
});

async function startOnRedis(
  t: Test,
  env: ServerEnv = {},
): Promise<{ warren: WarrenProcess; link: FaultProxy }> {
  const redis = await startRedis(t);
  const link = await startFaultProxy(t, redis.port);
  const warren = await startPatiently(t, {
    ...PATIENCE,
    ...env,
    REDIS_URL: `redis://127.0.0.1:${link.port}`,
  });
  return { warren, link };
}

/** Asks for numbers, each on a connection of its own, and collects what comes back. */
function ask(warren: WarrenProcess, count: number) {
  const agent = createAgent(warren.url);
  const answers: HttpAnswer[] = [];
  const asked: Promise<unknown>[] = [];
  const more = (times: number) => {
    for (let n = 0; n < times; n++) {
      const request = { method: 'POST', agent, timeoutMs: 150_000 } as const;
      asked.push(get(warren.url, '/next', request).then((answer) => answers.push(answer)));
    }
  };
  more(count);
  return {
    answers,
    more,
    get all() {
      return Promise.all(asked).finally(() => agent.destroy());
    },
  };
}

function isTurnedAway(code: string) {
  return ({ status, headers, body }: HttpAnswer) =>
    status === 503 &&
    JSON.parse(body).code === code &&
    /^([1-9]|[12]\d|30)$/.test(`${headers['retry-after']}`);
}

/** Measures what the server can serve, offers three times that, and checks what holds for every store. @returns the statuses. */
async function overload(t: Test, warren: WarrenProcess): Promise<string[]> {
  const { port } = warren;
  const probe = await openLoop(t, { port, connections: 200, perSecond: 100_000, durationMs: 1_000 });
  const perSecond = 3 * (probe.byStatus['200']?.count ?? 0);
  const watching = watch(warren);
  const load = await openLoop(t, { port, connections: CONNECTIONS, perSecond, durationMs: LOAD_MS });
  t.equal((await get(warren.url, '/next', { timeoutMs: 150_000 })).status, 200, 'it still serves');
  const { maxRssMb, unhealthy } = await watching.end();
  t.comment(JSON.stringify({ perSecond, ...load, maxRssMb }));
  t.ok(maxRssMb < MAX_RSS_MB, `${maxRssMb} MB of memory at most`);
  t.equal(unhealthy, 0, 'always healthy');
  t.equal(load.lost, 0, 'no connection was ended');
  return Object.keys(load.byStatus);
}

function watch(warren: WarrenProcess) {
  let maxRssMb = 0;
  let unhealthy = 0;
  let over = false;
  const loop = (async () => {
    while (!over) {
      maxRssMb = Math.max(maxRssMb, rssMb(warren.pid));
      const answer = await get(warren.url, '/health', { timeoutMs: 60_000 }).catch(() => undefined);
      if (answer?.status !== 200) unhealthy += 1;
      await delay(50);
    }
  })();
  return {
    async end() {
      over = true;
      await loop;
      return { maxRssMb, unhealthy };
    },
  };
}

async function serving(warren: WarrenProcess): Promise<void> {
  await warren.waitForLog(({ msg }) => msg === 'serving');
}

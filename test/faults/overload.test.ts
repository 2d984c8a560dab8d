/**
 * More load than can be served, from 2,000 connections at three times the measured capacity. Where it queues differs. A front that
 * is short of processor time leaves requests in the kernel's socket buffers, where nothing can shed them: at most one per
 * connection, so the number of connections bounds memory and waiting. A store that is slow lets them in and queues them
 * before the owner: there the count (MAILBOX_LIMIT) and the age (SHED_AFTER_MS) turn the rest away with 503.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { rssMb } from '../support/memory.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';
import { type LoadResult, openLoop } from './open-loop.js';

const CONNECTIONS = 2_000;
const STORE_DELAY_MS = 50;
const LOAD_MS = 2_000;
const STANDSTILL_MS = 1_000;
/** Far above what was measured (about 100 MB), far below what a leak under this load would take. */
const MAX_RSS_MB = 400;
/** On a machine that is busy with the load itself. */
const HEALTH_MS = 1_500;

t.test('a memory store that cannot fall behind: the connections bound everything', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory', DURABILITY: 'async' } });
  await ready(warren);
  const { load } = await overload(t, warren);
  t.strictSame(Object.keys(load.byStatus), ['200'], 'nothing queues where it could be shed');
  t.ok(accepted(load).max < 3_000, `accepted within ${accepted(load).max} ms`);
});

t.test(
  'a slow store and an ample mailbox: everything is accepted and waits for a commit or two',
  async (t) => {
    const { warren } = await startOnSlowRedis(t, {});
    const { load } = await overload(t, warren);
    t.strictSame(Object.keys(load.byStatus), ['200']);
    t.ok(accepted(load).max < 3_000, `accepted within ${accepted(load).max} ms`);
  },
);

t.test('a slow store and a small mailbox: the rest is turned away at once', async (t) => {
  const { warren } = await startOnSlowRedis(t, { MAILBOX_LIMIT: '64' });
  const { load } = await overload(t, warren);
  t.strictSame(Object.keys(load.byStatus).sort(), ['200', '503']);
  t.ok(refused(load).count > accepted(load).count, 'most of three times the capacity');
  t.ok(accepted(load).p99 < 1_000, `accepted within ${accepted(load).p99} ms`);
  t.strictSame(load.retryAfter, ['1'], '64 requests are gone within a second');
});

t.test('a store that stands still: what comes behind an old request is turned away', async (t) => {
  const { warren, link } = await startOnSlowRedis(t, { SHED_AFTER_MS: '200', COMMIT_TIMEOUT_MS: '2500' });
  link.delay(STANDSTILL_MS, 'answers');
  // The last requests wait for the commit under way and for their own.
  const { load } = await offer(t, warren, {
    perSecond: 1_500,
    durationMs: 6_000,
    recoveryMs: 2 * STANDSTILL_MS + 1_000,
  });
  t.ok(refused(load).count > 1_000, `${refused(load).count} were turned away`);
  t.ok(refused(load).median < 200, `at once: ${refused(load).median} ms`);
  // Behind the commit under way and in the next one, and let in before the oldest was too old.
  const waited = accepted(load).max;
  t.ok(waited < 200 + 2 * STANDSTILL_MS + 1_000, `accepted within ${waited} ms`);
  const seconds = load.retryAfter.map(Number);
  t.ok(
    seconds.every((one) => one >= 1 && one <= 30),
    `come back after ${seconds} s`,
  );
  t.ok(
    seconds.some((one) => one > 1 && one < 30),
    'as the line and its measured speed ask for',
  );
  t.notOk(seconds.includes(1), 'what waits for more than a second is not gone after one');
});

async function startOnSlowRedis(
  t: Test,
  env: ServerEnv,
): Promise<{ warren: WarrenProcess; link: FaultProxy }> {
  const redis = await startRedis(t);
  const link = await startFaultProxy(t, redis.port);
  const warren = await startWarren(t, { env: { ...env, REDIS_URL: `redis://127.0.0.1:${link.port}` } });
  await ready(warren);
  link.delay(STORE_DELAY_MS, 'answers');
  return { warren, link };
}

/** Measures what the server can serve, then offers three times that. */
async function overload(t: Test, warren: WarrenProcess): Promise<{ load: LoadResult }> {
  const { port } = warren;
  const probe = await openLoop(t, { port, connections: 200, perSecond: 100_000, durationMs: 1_000 });
  const perSecond = 3 * accepted(probe).count;
  return offer(t, warren, { perSecond, durationMs: LOAD_MS, recoveryMs: 1_000 });
}

interface Offer {
  readonly perSecond: number;
  readonly durationMs: number;
  /** From the end of the load to the next answer. */
  readonly recoveryMs: number;
}

/** Checks what holds for every store. */
async function offer(t: Test, warren: WarrenProcess, { recoveryMs, ...load }: Offer) {
  const watching = watch(warren);
  const result = await openLoop(t, { port: warren.port, connections: CONNECTIONS, ...load });
  const endedAt = performance.now();
  let answer = await get(warren.url, '/next');
  // While the last ones that were let in still wait, whoever comes is turned away.
  while (answer.status === 503 && performance.now() - endedAt < recoveryMs) {
    answer = await get(warren.url, '/next');
  }
  const recoveredMs = performance.now() - endedAt;
  const { maxRssMb, healthMaxMs, unhealthy } = await watching.end();
  t.comment(JSON.stringify({ ...load, ...result, maxRssMb, healthMaxMs, recoveredMs }));
  t.equal(answer.status, 200);
  t.ok(recoveredMs < recoveryMs, `served again after ${recoveredMs.toFixed(0)} ms`);
  t.ok(maxRssMb < MAX_RSS_MB, `${maxRssMb} MB of memory at most`);
  t.equal(unhealthy, 0, 'always healthy');
  t.ok(healthMaxMs < HEALTH_MS, `healthy within ${healthMaxMs.toFixed(0)} ms`);
  t.equal(result.lost, 0, 'no connection was ended');
  return { load: result };
}

function watch(warren: WarrenProcess) {
  let maxRssMb = 0;
  let healthMaxMs = 0;
  let unhealthy = 0;
  let over = false;
  const loop = (async () => {
    while (!over) {
      maxRssMb = Math.max(maxRssMb, rssMb(warren.pid));
      const askedAt = performance.now();
      const answer = await get(warren.url, '/health', { timeoutMs: 5_000 }).catch(() => undefined);
      healthMaxMs = Math.max(healthMaxMs, performance.now() - askedAt);
      if (answer?.status !== 200) unhealthy += 1;
      await delay(50);
    }
  })();
  return {
    async end() {
      over = true;
      await loop;
      return { maxRssMb, healthMaxMs, unhealthy };
    },
  };
}

async function ready(warren: WarrenProcess): Promise<void> {
  await warren.waitForLog(({ msg }) => msg === 'serving');
}

function accepted(load: LoadResult) {
  return load.byStatus['200'] ?? { count: 0, median: 0, p99: 0, max: 0 };
}

function refused(load: LoadResult) {
  return load.byStatus['503'] ?? { count: 0, median: 0, p99: 0, max: 0 };
}

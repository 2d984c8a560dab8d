/** Redis goes away, in every way it can, and comes back: clients hear 503, no number is lost, service resumes by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { SEQUENCE_ID, storedIndex } from '../../src/residents/fibonacci/behavior.js';
import { ready } from '../support/actor-server.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { startPatiently } from '../support/patient-start.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import { refusals, servedOrRefused, underLoad } from './under-load.js';

const CLIENTS = 40;

// Mostly they wait for the store and for deadlines, each on a server of its own.
t.jobs = 3;

async function isAwayButHealthy(t: Test, warren: WarrenProcess): Promise<void> {
  t.match(await get(warren.url, '/health'), { status: 200, body: '{"status": "healthy"}' });
  const ready = await get(warren.url, '/ready');
  t.match(ready, {
    status: 503,
    headers: { 'content-type': 'application/problem+json', 'retry-after': /^\d+$/ },
  });
  for (const [path, method] of [
    ['/next', 'GET'],
    ['/next', 'POST'],
    ['/current', 'GET'],
    ['/previous', 'HEAD'],
  ] as const) {
    const answer = await get(warren.url, path, { method, timeoutMs: 60_000 });
    t.match(answer, { status: 503, headers: { 'retry-after': /^[1-9]\d*$/ } }, `${method} ${path}`);
    if (method !== 'HEAD') t.match(JSON.parse(answer.body), { code: 'store-unavailable', status: 503 });
  }
}

for (const [how, away] of [
  ['refuses connections', 'refuse'],
  ['swallows everything', 'blackhole'],
] as const) {
  t.test(
    `at a start while Redis ${how} the server listens, answers 503, and serves when it can`,
    async (t) => {
      const redis = await startRedis(t);
      const proxy = await startFaultProxy(t, redis.port);
      const env = { REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` };
      const before = await startWarren(t, { env });
      await ready(before);
      for (const index of ['1', '2', '3']) {
        t.equal((await get(before.url, '/next')).headers['sequence-index'], index);
      }
      t.equal(await before.stop(), 0);

      await proxy[away](true);
      const warren = await before.again();
      await warren.waitForLog((line) => line.msg === 'the store is away');
      await isAwayButHealthy(t, warren);
      await proxy[away](false);
      await warren.waitForLog((line) => line.msg === 'serving');
      t.equal((await get(warren.url, '/next')).headers['sequence-index'], '4', 'never a fresh sequence');
      t.match(await get(warren.url, '/ready'), { status: 200 });
    },
  );
}

t.test(
  'While Redis is down for longer than the grace, requests get 503; afterwards no acknowledged number is missing',
  async (t) => {
    const redis = await startRedis(t, { appendOnly: true, fsync: 'always' });
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
    const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
      await redis.kill();
      await warren.waitForLog((line) => line.msg === 'the store is away');
      await isAwayButHealthy(t, warren);
      await redis.restart();
    });
    servedOrRefused(t, report);
    t.ok(refusals(report) > 0);
  },
);

for (const fsync of ['always', 'everysec', 'no'] as const) {
  t.test(`Redis with appendfsync ${fsync} and Warren, both killed: the next number comes next`, async (t) => {
    const redis = await startRedis(t, { appendOnly: true, fsync });
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
    let last = 0;
    for (let asked = 0; asked < 200; asked++) {
      last = Number((await get(warren.url, '/next')).headers['sequence-index']);
    }
    t.equal(last, 200);
    warren.kill();
    await redis.kill();
    await warren.exited;
    await redis.restart();
    const successor = await warren.again();
    t.equal((await get(successor.url, '/next')).headers['sequence-index'], '201');
  });
}

t.test('Redis restarted within the grace: requests are held, and most clients notice nothing', async (t) => {
  const redis = await startRedis(t, { appendOnly: true, fsync: 'always' });
  // A loaded machine may need seconds for what takes 50 ms: the grace is generous, so that it is not the clock that decides.
  const env = {
    REDIS_HOST_PORT: redis.hostPort,
    STORE_GRACE_MS: '40000',
  };
  const warren = await startWarren(t, { env });
  const report = await underLoad(t, warren, { clients: CLIENTS, timeoutMs: 90_000 }, () => redis.restart());
  servedOrRefused(t, report);
  t.equal(refusals(report), 0);
});

t.test(
  'Redis comes back empty: its owner writes the last acknowledged state again, and the next number follows it',
  async (t) => {
    const redis = await startRedis(t);
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
    const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
      for (let times = 0; times < 3; times++) {
        await redis.kill();
        await delay(100);
        await redis.restart();
        await delay(300);
      }
      await redisCommand(redis, 'FLUSHALL');
    });
    servedOrRefused(t, report);
    const stored = String(await redisCommand(redis, 'HGET', 'warren:{0}:actors', SEQUENCE_ID));
    t.equal(storedIndex(stored), report.stats.highestIndex, 'the sequence is there again');
  },
);

t.test('Redis that comes back with an older record is set to what was acknowledged', async (t) => {
  const redis = await startRedis(t);
  const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    const read = "return {redis.call('GET', KEYS[1]), redis.call('HGET', KEYS[2], ARGV[1])}";
    const write = "redis.call('SET', KEYS[1], ARGV[2]) redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])";
    const keys = ['2', 'warren:{0}:fence', 'warren:{0}:actors', SEQUENCE_ID];
    const [fence, state] = (await redisCommand(redis, 'EVAL', read, ...keys)) as string[];
    await delay(200);
    await redisCommand(redis, 'EVAL', write, ...keys, `${fence}`, `${state}`);
  });
  servedOrRefused(t, report);
});

t.test(
  'Redis paused for longer than the grace: clients hear 503, and what was under way is settled',
  async (t) => {
    const redis = await startRedis(t);
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
    const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
      redis.pause();
      await warren.waitForLog((line) => line.msg === 'the store is away');
      await isAwayButHealthy(t, warren);
      redis.resume();
    });
    servedOrRefused(t, report);
    t.ok(refusals(report) > 0);
  },
);

t.test('Redis paused for shorter than a commit may take: nobody notices', async (t) => {
  const redis = await startRedis(t);
  const warren = await startPatiently(t, { REDIS_HOST_PORT: redis.hostPort, COMMIT_TIMEOUT_MS: '30000' });
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    for (let times = 0; times < 3; times++) {
      redis.pause();
      await delay(200);
      redis.resume();
      await delay(100);
    }
  });
  servedOrRefused(t, report);
  t.equal(refusals(report), 0);
});

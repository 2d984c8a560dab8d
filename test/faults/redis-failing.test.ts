/** Redis is there and fails: it refuses writes, is slow, or is cut off in the middle of an answer. */
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { startPatiently } from '../support/patient-start.js';
import { pause } from '../support/pause.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import { startWarren } from '../support/warren-process.js';
import { refusals, servedOrRefused, underLoad } from './under-load.js';

const CLIENTS = 40;

async function untilInfo(redis: RedisProcess, section: string, fits: RegExp): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (fits.test(String(await redisCommand(redis, 'INFO', section)))) return;
    await pause();
  }
  throw new Error(`INFO ${section} never showed ${fits}`);
}

t.test(
  'a Redis out of memory refuses commits: 503, nothing consumed, and service when it has room again',
  async (t) => {
    const redis = await startRedis(t);
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
    const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
      await redisCommand(redis, 'CONFIG', 'SET', 'maxmemory', '1');
      await warren.waitForLog(({ msg, reason }) => msg === 'the store is away' && /OOM/.test(`${reason}`));
      t.match(await get(warren.url, '/ready'), { status: 503 });
      await redisCommand(redis, 'CONFIG', 'SET', 'maxmemory', '0');
    });
    servedOrRefused(t, report);
    t.ok(refusals(report) > 0);
    t.equal(report.history.answers.get('504 commit-in-doubt'), undefined, 'a refusal leaves no doubt');
  },
);

t.test('a Redis that cannot save refuses commits (MISCONF), likewise', async (t) => {
  const redis = await startRedis(t);
  const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort } });
  // A folder in the place of the snapshot makes every snapshot fail, for root too.
  const obstacle = join(redis.folder, 'dump.rdb');
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    await mkdir(obstacle);
    await redisCommand(redis, 'CONFIG', 'SET', 'save', '3600 1');
    await redisCommand(redis, 'BGSAVE');
    await warren.waitForLog(({ msg, reason }) => msg === 'the store is away' && /MISCONF/.test(`${reason}`));
    await rmdir(obstacle);
    await redisCommand(redis, 'BGSAVE');
    await untilInfo(redis, 'persistence', /rdb_last_bgsave_status:ok/);
  });
  servedOrRefused(t, report);
  t.ok(refusals(report) > 0);
  t.equal(report.history.answers.get('504 commit-in-doubt'), undefined, 'a refusal leaves no doubt');
});

t.test('a Redis slower by 500 ms makes answers slower, and nothing else', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const env = { REDIS_HOST_PORT: `127.0.0.1:${proxy.port}`, COMMIT_TIMEOUT_MS: '30000' };
  const warren = await startPatiently(t, env);
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    proxy.delay(500);
    const index = await currentIndex(warren.url);
    await waitForIndex(warren.url, index + 3 * CLIENTS);
    proxy.delay(0);
    proxy.hold(true);
    let answered = false;
    // A commit is under way, and what is asked behind it shows its state.
    while (proxy.waiting === 0) await delay(5);
    const answer = get(warren.url, '/current', { timeoutMs: 60_000 }).then(({ status }) => {
      answered = true;
      return status;
    });
    await get(warren.url, '/health');
    t.notOk(answered, 'an answer waits for its commit');
    proxy.hold(false);
    t.equal(await answer, 200);
  });
  servedOrRefused(t, report);
  t.equal(refusals(report), 0);
});

t.test('a Redis slower than a commit may be: 503, and the truth is found out afterwards', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const warren = await startWarren(t, { env: { REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` } });
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    proxy.delay(1_500);
    await warren.waitForLog((line) => line.msg === 'the store is away');
    proxy.delay(0);
  });
  servedOrRefused(t, report);
  t.ok((report.history.answers.get('504 commit-in-doubt') ?? 0) > 0, 'who was under way is told so');
});

t.test(
  'connections cut in the middle of an answer: commits in doubt are settled, clients hardly notice',
  async (t) => {
    const redis = await startRedis(t);
    const proxy = await startFaultProxy(t, redis.port);
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` } });
    const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
      for (let cut = 0; cut < 20; cut++) {
        await proxy.cutAfterBytes(cut % 7);
        await delay(50);
      }
    });
    servedOrRefused(t, report);
  },
);

t.test('requests swallowed on the way to Redis: the gate has a deadline of its own', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const warren = await startWarren(t, { env: { REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` } });
  const report = await underLoad(t, warren, { clients: CLIENTS }, async () => {
    proxy.blackhole(true);
    await warren.waitForLog((line) => line.msg === 'the store is away');
    t.match(await get(warren.url, '/next'), { status: 503 });
    proxy.blackhole(false);
  });
  servedOrRefused(t, report);
  t.ok(refusals(report) > 0);
});

/** Two instances on one Redis: who serves, who waits, and when that changes. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { epochsOf, next, serving, standingBy, startInstance } from './instances.js';
import { recordShows } from './redis-record.js';

const LEASE_MS = 1_000;
/** So long that whatever happens within a test's bounds cannot be due to its lapse. */
const ENDLESS = { LEASE_MS: '600000' };
const index = (n: number) => ({ status: 200, headers: { 'sequence-index': String(n) } });

// Mostly they wait for leases and deadlines, each on a server of its own.
t.jobs = 3;

t.test('a second instance stands by: healthy, not ready, and every ask is told so', async (t) => {
  const redis = await startRedis(t);
  const a = await startInstance(t, 'a', redis.url, ENDLESS);
  await serving(a);
  const b = await startInstance(t, 'b', redis.url, ENDLESS);
  t.match(await standingBy(b), /another instance owns the store \(epoch 1,/);
  t.match(await get(b.url, '/health'), { status: 200, body: '{"status": "healthy"}' });
  t.match(await get(b.url, '/ready'), { status: 503 });
  for (const path of ['/next', '/current', '/previous']) {
    const answer = await get(b.url, path);
    t.match(answer, { status: 503, body: /"code":"standby"/ }, path);
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/);
  }
  t.match(await next(a), index(1));
});

t.test('the standby takes over when the lease has lapsed', async (t) => {
  const redis = await startRedis(t);
  const a = await startInstance(t, 'a', redis.url);
  await serving(a);
  const b = await startInstance(t, 'b', redis.url);
  await standingBy(b);
  t.match(await next(a), index(1));
  a.kill();
  await serving(b);
  t.match(await next(b), index(2));
  t.match(await get(b.url, '/ready'), { status: 200 });
});

t.test('an idle owner keeps its lease', async (t) => {
  const redis = await startRedis(t);
  // Renewed three times as often: a busy machine is late for one, not for so many.
  const lease = { LEASE_MS: '3000' };
  const a = await startInstance(t, 'a', redis.url, lease);
  await serving(a);
  const b = await startInstance(t, 'b', redis.url, lease);
  await standingBy(b);
  await delay(4_500);
  t.strictSame(epochsOf(b), []);
  t.match(await next(a), index(1));
});

t.test('a clean stop hands over at once', async (t) => {
  const redis = await startRedis(t);
  const a = await startInstance(t, 'a', redis.url, ENDLESS);
  await serving(a);
  const b = await startInstance(t, 'b', redis.url, ENDLESS);
  await standingBy(b);
  t.match(await next(a), index(1));
  t.equal(await a.stop(), 0);
  await serving(b);
  t.match(await next(b), index(2));
});

t.test('an instance that was killed takes its own lease again at once', async (t) => {
  const redis = await startRedis(t);
  const a = await startInstance(t, 'a', redis.url, ENDLESS);
  await serving(a);
  const b = await startInstance(t, 'b', redis.url, ENDLESS);
  await standingBy(b);
  t.match(await next(a), index(1));
  a.kill();
  await a.exited;
  const again = await a.again();
  await serving(again);
  t.match(await next(again), index(2));
  t.strictSame([epochsOf(again), epochsOf(b)], [[2], []]);
});

/**
 * The hardest moment: the commit has arrived in the store, its answer is in the socket, and the process stands still. When it
 * goes on, that answer is the first thing that it sees, and says that all is well.
 */
t.test(
  'an owner that was suspended during a take-over hands out nothing and shows nothing old',
  async (t) => {
    const redis = await startRedis(t);
    const link = await startFaultProxy(t, redis.port);
    const bounds = { COMMIT_TIMEOUT_MS: '9000', ASK_TIMEOUT_MS: '90000', STORE_GRACE_MS: '500' };
    const a = await startInstance(t, 'a', `redis://127.0.0.1:${link.port}`, bounds);
    await serving(a);
    const b = await startInstance(t, 'b', redis.url);
    await standingBy(b);
    t.match(await next(a), index(1));

    link.hold(true);
    const inFlight = next(a);
    await recordShows(redis.url, { index: 2 });
    a.kill('SIGSTOP');
    link.hold(false);
    await serving(b);
    t.match(await next(b), index(3));
    t.match(await next(b), index(4));

    // Reads first: behind a `/next` they would wait for a commit in any case.
    const late = Array.from({ length: 20 }, (_, n) => get(a.url, n < 15 ? '/current' : '/next'));
    // They wait in the kernel; should one come later, the test is only a little easier.
    await delay(100);
    a.kill('SIGCONT');
    t.match(await inFlight, index(2), 'what was committed before the take-over is good');
    const outcomes = (await Promise.all(late)).map(
      ({ status, headers, body }) => headers['sequence-index'] ?? `${status} ${JSON.parse(body).code}`,
    );
    t.strictSame([...new Set(outcomes)], ['503 standby']);
    t.match(await standingBy(a), /another instance owns the store \(epoch 2,/);
    t.match(await get(a.url, '/ready'), { status: 503 });
    t.match(await next(b), index(5));
    t.strictSame([epochsOf(a), epochsOf(b)], [[1], [2]]);
  },
);

t.test(
  'a standby halts when Redis comes back empty while the owner is suspended: it never begins anew',
  async (t) => {
    const redis = await startRedis(t);
    const a = await startInstance(t, 'a', redis.url);
    await serving(a);
    for (const n of [1, 2, 3]) t.match(await next(a), index(n));
    const b = await startInstance(t, 'b', redis.url);
    await standingBy(b);
    await delay(LEASE_MS / 2);

    a.kill('SIGSTOP');
    await redis.restart();
    t.strictSame(await b.exited, { code: 1, signal: null });
    t.match(b.logs.at(-1), { code: 'store-halted', msg: /holds version 0, and 3 was acknowledged/ });
    a.kill('SIGCONT');
    t.strictSame(await a.exited, { code: 1, signal: null }, 'nobody goes on until an operator says so');
    t.match(a.logs.at(-1), { code: 'store-halted' });
  },
);

t.test('a new instance on a Redis that has lost all lets the owner that lives write it anew', async (t) => {
  const redis = await startRedis(t);
  const a = await startInstance(t, 'a', redis.url, ENDLESS);
  await serving(a);
  for (const n of [1, 2, 3]) t.match(await next(a), index(n));
  // Empty, as it keeps no file.
  await redis.restart();
  const b = await startInstance(t, 'b', redis.url, ENDLESS);
  const early = next(b);
  t.match(await standingBy(b), /another instance owns the store/);
  t.match(await early, { status: 503 }, 'who asked the new one meanwhile got no number');
  t.match(await next(a), index(4));
  t.strictSame(epochsOf(b), []);
});

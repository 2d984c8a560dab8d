/** Thousands of requests at full speed: no error, no time-out, nothing but 200, and the count is right. */
import autocannon from 'autocannon';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';

const REQUESTS = 10_000;
/** Of 209,000 digits each. */
const LARGE_REQUESTS = 1_000;
/** Seconds, against a test that hangs. */
const TIMEOUT_S = 120;

async function stores(t: Parameters<typeof startRedis>[0]): Promise<ServerEnv[]> {
  const redis = await startRedis(t);
  return [
    { STORE: 'level' },
    { STORE: 'redis', REDIS_HOST_PORT: redis.hostPort },
    { STORE: 'memory', DURABILITY: 'async' },
  ];
}

t.test('100 connections at full speed get nothing but numbers, on every store', async (t) => {
  for (const env of await stores(t)) {
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'serving');
    const result = await fullSpeed(warren, REQUESTS);
    t.match(result, { errors: 0, timeouts: 0, non2xx: 0, resets: 0 }, `${env['STORE']}`);
    t.equal(result['2xx'], REQUESTS);
    t.equal(await currentIndex(warren.url), REQUESTS, 'as many numbers as answers');
    t.strictSame(
      warren.logs.filter(({ level }) => Number(level) >= 40),
      [],
    );
    t.equal(await warren.stop(), 0);
  }
});

t.test(
  '100 connections at full speed get nothing but numbers, also where a page holds a few of them',
  async (t) => {
    const env = { STORE: 'memory', DURABILITY: 'async', INITIAL_INDEX: '1000000' };
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'ready');
    const load = fullSpeed(warren, LARGE_REQUESTS);
    const readiness: number[] = [];
    const polling = setInterval(() => {
      void get(warren.url, '/ready', { timeoutMs: 60_000 }).then(({ status }) => readiness.push(status));
    }, 50);
    const result = await load;
    clearInterval(polling);
    t.ok(readiness.length > 0, `${readiness.length} looks at /ready`);
    t.strictSame([...new Set(readiness)], [200], 'a busy server is a ready one');
    t.match(result, { errors: 0, timeouts: 0, non2xx: 0, resets: 0 });
    t.equal(result['2xx'], LARGE_REQUESTS);
  },
);

function fullSpeed(warren: WarrenProcess, amount: number) {
  return autocannon({ url: `${warren.url}/next`, connections: 100, amount, timeout: TIMEOUT_S });
}

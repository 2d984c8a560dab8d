/** Taking over from the Go service: the sequence goes on at the value that it left in Redis, or nothing is touched. */
import t from 'tap';
import { FibonacciOracle } from '../support/fibonacci-oracle.js';
import { get } from '../support/http-client.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

const THEIRS = 'fibonacci_current';
const OURS = 'warren:{0}:fence';
const F93 = '12200160415121876738';

t.test('the sequence goes on at the value that the Go service left', async (t) => {
  const redis = await startRedis(t);
  const oracle = new FibonacciOracle();
  for (const [value, index] of [
    ['0', 0],
    ['1', 2],
    ['2', 3],
    ['55', 10],
    [F93, 93],
  ] as const) {
    await redisCommand(redis, 'FLUSHALL');
    await redisCommand(redis, 'SET', THEIRS, value);
    const env = { REDIS_HOST_PORT: redis.hostPort, INSTANCE_ID: 'one', INITIAL_INDEX: '7' };
    const warren = await startWarren(t, { env });
    // Another instance that lives would have had the time to write its fence anew.
    t.match(await warren.waitForLog((line) => line.msg === 'ready'), { index });
    t.match(
      await get(warren.url, '/current'),
      { body: `{"current": ${value}}`, headers: { 'sequence-index': `${index}` } },
      `from ${value}`,
    );
    t.equal((await get(warren.url, '/next')).body, `{"next": ${oracle.digits(index + 1)}}`);
    t.equal(await redisCommand(redis, 'GET', THEIRS), value, 'its key is left as it was');
    await warren.stop();

    const again = await warren.again();
    t.equal((await get(again.url, '/current')).headers['sequence-index'], `${index + 1}`, 'taken over once');
    await again.stop();
  }
});

t.test(
  'a value that is no Fibonacci number stops the start with a way out, and nothing is written',
  async (t) => {
    const redis = await startRedis(t);
    const env = { REDIS_HOST_PORT: redis.hostPort, INSTANCE_ID: 'one' };
    // F(94) modulo 2^64 is what the Go service showed after its last right value.
    const wrapped = ((12_200_160_415_121_876_738n + 7_540_113_804_746_346_429n) % 2n ** 64n).toString();
    for (const value of [wrapped, '4', '-1', '', 'NaN', '1e3', '0x37', '5 5', '9'.repeat(20_000)]) {
      await redisCommand(redis, 'FLUSHALL');
      await redisCommand(redis, 'SET', THEIRS, value);
      const warren = await spawnWarren(t, { env });
      const shown = value.length > 40 ? `${value.slice(0, 10)}…` : JSON.stringify(value);
      t.strictSame(await warren.exited, { code: 1, signal: null }, shown);
      t.match(warren.logs.at(-1), {
        level: 60,
        code: 'predecessor-invalid',
        msg: /no Fibonacci number .*delete or rename that key.*INITIAL_INDEX/,
      });
      t.strictSame(await redisCommand(redis, 'KEYS', '*'), [THEIRS], 'no key of ours');
      t.equal(await redisCommand(redis, 'GET', THEIRS), value);
    }
    await redisCommand(redis, 'RENAME', THEIRS, 'fibonacci_old');
    const warren = await startWarren(t, { env: { ...env, INITIAL_INDEX: '100' } });
    t.equal((await get(warren.url, '/next')).headers['sequence-index'], '101', 'the way out leads somewhere');
    await warren.stop();
  },
);

t.test('a checkpoint of ours counts for more than what the Go service left', async (t) => {
  const redis = await startRedis(t);
  const env = { REDIS_HOST_PORT: redis.hostPort, INSTANCE_ID: 'one' };
  const first = await startWarren(t, { env });
  await get(first.url, '/next');
  await first.stop();
  t.ok(await redisCommand(redis, 'EXISTS', OURS));
  await redisCommand(redis, 'SET', THEIRS, 'rubbish');
  const second = await first.again();
  t.equal((await get(second.url, '/next')).headers['sequence-index'], '2');
});

/** What the Redis store shares with its Redis: its keys, a predecessor, a login. */
import { inspect } from 'node:util';
import t from 'tap';
import { startRedis } from '../../support/redis-process.js';
import { fenceOf } from './store-contract.js';
import { adminOf, FENCE_KEY, storeAt } from './store-on-redis.js';

const redis = await startRedis(t);
const admin = adminOf(t, redis);

t.test('the predecessor is the value of the Go service, as it stands', async (t) => {
  const store = storeAt(t, redis.url);
  t.equal(await store.predecessor(), undefined);
  await admin.set('fibonacci_current', '4181');
  t.equal(await store.predecessor(), '4181');
  await admin.set('fibonacci_current', '');
  t.equal(await store.predecessor(), '', 'an empty value is not none');
  await admin.del('fibonacci_current');
  await admin.hset('fibonacci_current', 'value', '1');
  await t.rejects(store.predecessor(), { code: 'store-denied', message: /GET on "fibonacci_current"/ });
  await admin.del('fibonacci_current');
});

t.test('a key of another type is refused and stays', async (t) => {
  const store = storeAt(t, redis.url);
  await admin.rpush(FENCE_KEY, 'one', 'two');
  await t.rejects(store.fence(), {
    code: 'store-denied',
    message: /GET on "warren:\{0\}:fence".*holds no string/,
  });
  await t.rejects(store.commit(undefined, fenceOf(1), []), { code: 'store-denied' });
  t.strictSame(await admin.lrange(FENCE_KEY, 0, -1), ['one', 'two']);
  await admin.del(FENCE_KEY);
});

t.test('fence and states are plain texts that an operator can read', async (t) => {
  const store = storeAt(t, redis.url);
  await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: '{"a":1}' }]);
  const { version, check } = JSON.parse((await admin.get(FENCE_KEY)) ?? '');
  t.equal(version, 1);
  t.equal(await admin.hget('warren:{0}:actors', 'counter/a'), '{"a":1}');
  t.match(check, /^[0-9a-f]{16}$/);
  t.equal(await admin.ttl(FENCE_KEY), -1, 'and never expires');
  await admin.del(FENCE_KEY);
});

t.test('commits need no script that was loaded before', async (t) => {
  const store = storeAt(t, redis.url);
  await store.commit(undefined, fenceOf(1), []);
  await admin.script('FLUSH');
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
  t.strictSame(await store.fence(), fenceOf(2));
  await admin.del(FENCE_KEY);
});

t.test('the database of the address is used, and one that does not exist is refused', async (t) => {
  const third = storeAt(t, `${redis.url}/3`);
  t.equal(await third.commit(undefined, fenceOf(3), []), 'swapped');
  t.equal(await storeAt(t, redis.url).fence(), undefined, 'database 0 is another');
  await t.rejects(storeAt(t, `${redis.url}/9999`).fence(), { code: 'store-denied' });
});

t.test('a record of an earlier form is not passed over', async (t) => {
  await admin.set('fibonacci_current', '5');
  await admin.set('warren:fibonacci', 'whatever it holds');
  await t.rejects(storeAt(t, redis.url).predecessor(), {
    code: 'predecessor-invalid',
    message: /"warren:fibonacci" holds a record of an earlier form/,
  });
  await admin.del('warren:fibonacci');
  await admin.rpush('warren:fibonacci', 'x');
  t.equal(await storeAt(t, redis.url).predecessor(), '5', 'a list is no record');
  await admin.del('warren:fibonacci', 'fibonacci_current');
});

t.test('a Redis with a password', async (t) => {
  const password = 's3cret/of the:house@';
  const locked = await startRedis(t, { config: { requirepass: password } });
  const store = storeAt(t, locked.url);
  t.equal(await store.commit(undefined, fenceOf(1), []), 'swapped', 'the right one passes');
  t.strictSame(await store.fence(), fenceOf(1));
  const wrong = [`redis://127.0.0.1:${locked.port}`, `redis://:wr0ng@127.0.0.1:${locked.port}`];
  for (const url of [...wrong, `redis://nobody:wr0ng@127.0.0.1:${locked.port}`]) {
    const error = await storeAt(t, url)
      .fence()
      .then(() => t.fail(`${url} was let in`), textOf);
    t.match(error, /store-denied/);
    t.notMatch(error, /wr0ng/);
  }
  await locked.kill();
  const error = await store.fence().then(() => t.fail('it was gone'), textOf);
  t.notMatch(error, /s3cret/, 'and no failure shows it');
});

/** All that a log could show of an error, its causes and their fields included. */
function textOf(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true });
}

/** The Redis store under the contract, and what it shares with its Redis: the record's key, a predecessor, a login. */
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { RedisStore } from '../../../src/store/redis/redis-store.js';
import { startRedis } from '../../support/redis-process.js';
import { ACTOR, checkpoint, storeContract } from './store-contract.js';

const KEY = 'warren:{0}:fence';

const redis = await startRedis(t);
const admin = new Redis(redis.url);
t.teardown(() => admin.disconnect());

let keys = 0;

storeContract(t, async () => {
  const key = `${KEY}:${keys++}`;
  return {
    open: () => new RedisStore(ACTOR, { url: redis.url, key, timeoutMs: 5_000, leaseMs: 60_000 }),
    persistent: true,
    raw: {
      read: async () => (await admin.get(key)) ?? undefined,
      write: async (text) => void (await admin.set(key, text)),
    },
  };
});

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
  await admin.rpush(KEY, 'one', 'two');
  await t.rejects(store.load(), {
    code: 'store-denied',
    message: /GET on "warren:\{0\}:fence".*holds no string/,
  });
  await t.rejects(store.commit(undefined, checkpoint(1)), { code: 'store-denied' });
  t.strictSame(await admin.lrange(KEY, 0, -1), ['one', 'two']);
  await admin.del(KEY);
});

t.test('the record is a plain text that an operator can read', async (t) => {
  const store = storeAt(t, redis.url);
  await store.commit(undefined, checkpoint(1));
  const { state, check } = JSON.parse((await admin.get(KEY)) ?? '');
  t.equal(state, 10);
  t.match(check, /^[0-9a-f]{16}$/);
  t.equal(await admin.ttl(KEY), -1, 'and never expires');
  await admin.del(KEY);
});

t.test('commits need no script that was loaded before', async (t) => {
  const store = storeAt(t, redis.url);
  await store.commit(undefined, checkpoint(1));
  await admin.script('FLUSH');
  t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'swapped');
  t.strictSame(await store.load(), checkpoint(2));
  await admin.del(KEY);
});

t.test('the database of the address is used, and one that does not exist is refused', async (t) => {
  const third = storeAt(t, `${redis.url}/3`);
  t.equal(await third.commit(undefined, checkpoint(3)), 'swapped');
  t.equal(await storeAt(t, redis.url).load(), undefined, 'database 0 is another');
  await t.rejects(storeAt(t, `${redis.url}/9999`).load(), { code: 'store-denied' });
});

t.test('a Redis with a password', async (t) => {
  const password = 's3cret/of the:house@';
  const locked = await startRedis(t, { config: { requirepass: password } });
  const store = storeAt(t, locked.url);
  t.equal(await store.commit(undefined, checkpoint(1)), 'swapped', 'the right one passes');
  t.strictSame(await store.load(), checkpoint(1));
  const wrong = [`redis://127.0.0.1:${locked.port}`, `redis://:wr0ng@127.0.0.1:${locked.port}`];
  for (const url of [...wrong, `redis://nobody:wr0ng@127.0.0.1:${locked.port}`]) {
    const error = await storeAt(t, url)
      .load()
      .then(() => t.fail(`${url} was let in`), textOf);
    t.match(error, /store-denied/);
    t.notMatch(error, /wr0ng/);
  }
  await locked.kill();
  const error = await store.load().then(() => t.fail('it was gone'), textOf);
  t.notMatch(error, /s3cret/, 'and no failure shows it');
});

/** All that a log could show of an error, its causes and their fields included. */
function textOf(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true });
}

function storeAt(t: Test, url: string, { key = KEY } = {}): RedisStore {
  const store = new RedisStore(ACTOR, {
    url,
    key,
    timeoutMs: 5_000,
    leaseMs: 60_000,
  });
  t.teardown(() => store.close());
  return store;
}

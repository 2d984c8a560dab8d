/** One hash slot for all keys of a store, as a Redis in cluster mode sees it. */
import t from 'tap';
import { DEFAULT_KEY, FORMER_DEFAULT_KEY, siblingKeyOf } from '../../../src/store/redis/redis-keys.js';
import { idOf, LAST_SLOT, meet, startClusterNode } from '../../support/redis-cluster.js';
import { startRedis } from '../../support/redis-process.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { checkpoint } from './store-contract.js';
import { adminOf, storeAt } from './store-on-redis.js';

const KEYS = [
  'bench',
  '{0}',
  'a{0}b',
  'a{',
  'a{b',
  'a{}{b',
  '{a}{b}',
  'a{b}{}',
  'a}b{c}',
  'ü{ö}',
  '{{0}}',
  'a:{0',
];

t.test('a record and the keys beside it share a slot, whatever REDIS_KEY is', async (t) => {
  const admin = adminOf(t, await startClusterNode(t));
  const slotOf = (key: string) => admin.call('CLUSTER', 'KEYSLOT', key);
  const seed = Date.now() % 2 ** 31;
  t.comment({ seed });
  const random = new SeededRandom(seed);
  const anyKey = () =>
    Array.from({ length: random.between(1, 8) }, () => '{}a:'[random.between(0, 3)]).join('');
  let derived = 0;
  for (const key of [DEFAULT_KEY, FORMER_DEFAULT_KEY, ...KEYS, ...Array.from({ length: 500 }, anyKey)]) {
    const sibling = siblingKeyOf(key, 'actors');
    if (sibling === undefined) continue;
    derived += 1;
    if ((await slotOf(sibling)) !== (await slotOf(key))) t.fail(`${key} and ${sibling}`);
    if (sibling === key) t.fail(`${key} is its own sibling`);
  }
  t.ok(derived > KEYS.length);
});

t.test('a key in whose slot no other can be named has no sibling', async (t) => {
  for (const key of ['a}b', '}', '{}', 'a{}b', '{}{a}', '}{'])
    t.equal(siblingKeyOf(key, 'actors'), undefined, key);
});

t.test('a Redis in cluster mode whose only node owns all slots serves every key', async (t) => {
  const node = await startClusterNode(t);
  const admin = adminOf(t, node);
  for (const key of [DEFAULT_KEY, FORMER_DEFAULT_KEY, 'bench', 'a{b}c']) {
    const store = storeAt(t, node.url, { key });
    t.equal(await store.load(), undefined, key);
    await admin.set('fibonacci_current', '5');
    t.equal(await store.predecessor(), '5', 'which lies in another slot');
    t.equal(await store.commit(undefined, checkpoint(1)), 'swapped');
    t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'swapped');
    t.strictSame(await store.load(), checkpoint(2));
    await store.close();
    await admin.del(key);
  }
});

t.test('a cluster of several nodes: what passes, what never does, and what each is told as', async (t) => {
  const probe = adminOf(t, await startClusterNode(t));
  const slot = Number(await probe.call('CLUSTER', 'KEYSLOT', DEFAULT_KEY));
  const node = await startClusterNode(t, [
    [0, slot - 1],
    [slot + 1, LAST_SLOT],
  ]);
  const owner = await startClusterNode(t, [[slot, slot]]);
  await meet(node, owner);
  await t.rejects(storeAt(t, node.url).commit(undefined, checkpoint(1)), {
    code: 'store-denied',
    message: new RegExp(`"warren:\\{0\\}:fence": MOVED ${slot} .*Give the address`),
  });
  const store = storeAt(t, owner.url);
  await store.commit(undefined, checkpoint(1));
  const admin = adminOf(t, owner);
  await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(node));
  t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'swapped', 'what is still there is served');
  await admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
  await admin.del(DEFAULT_KEY);
  await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(node));
  await t.rejects(store.load(), { code: 'store-denied', message: /GET on "warren:\{0\}:fence": ASK/ });
});

t.test('a record under the former default key is not passed over', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  await admin.set('fibonacci_current', '5');
  await storeAt(t, redis.url, { key: FORMER_DEFAULT_KEY }).commit(undefined, checkpoint(7));
  await t.rejects(storeAt(t, redis.url).predecessor(), {
    code: 'predecessor-invalid',
    message: /"warren:fibonacci".*set REDIS_KEY=warren:fibonacci/,
  });
  t.equal(await storeAt(t, redis.url, { key: 'mine' }).predecessor(), '5', 'who has chosen a key means it');
  t.strictSame(await storeAt(t, redis.url, { key: FORMER_DEFAULT_KEY }).load(), checkpoint(7));
  await admin.del(FORMER_DEFAULT_KEY);
  await admin.rpush(FORMER_DEFAULT_KEY, 'x');
  t.equal(await storeAt(t, redis.url).predecessor(), '5', 'a list is no record');
});

/** One hash slot for all keys of a store, as a Redis in cluster mode sees it. */
import t from 'tap';
import { idOf, LAST_SLOT, meet, startClusterNode } from '../../support/redis-cluster.js';
import { fenceOf } from './store-contract.js';
import { adminOf, FENCE_KEY, storeAt } from './store-on-redis.js';

t.test('a Redis in cluster mode whose only node owns all slots serves', async (t) => {
  const node = await startClusterNode(t);
  const admin = adminOf(t, node);
  const store = storeAt(t, node.url);
  t.equal(await store.fence(), undefined);
  await admin.set('fibonacci_current', '5');
  t.equal(await store.predecessor(), '5', 'which lies in another slot');
  const change = { id: 'counter/a', text: 'A' };
  t.equal(await store.commit(undefined, fenceOf(1), [change]), 'swapped');
  t.equal(await store.commit(fenceOf(1), fenceOf(2), [{ ...change, text: undefined }]), 'swapped');
  t.strictSame(await store.fence(), fenceOf(2));
});

t.test('a cluster of several nodes: what passes, what never does, and what each is told as', async (t) => {
  const probe = adminOf(t, await startClusterNode(t));
  const slot = Number(await probe.call('CLUSTER', 'KEYSLOT', FENCE_KEY));
  const node = await startClusterNode(t, [
    [0, slot - 1],
    [slot + 1, LAST_SLOT],
  ]);
  const owner = await startClusterNode(t, [[slot, slot]]);
  await meet(node, owner);
  await t.rejects(storeAt(t, node.url).commit(undefined, fenceOf(1), []), {
    code: 'store-denied',
    message: new RegExp(
      `"warren:\\{0\\}:fence" and "warren:\\{0\\}:actors": MOVED ${slot} .*name its nodes in REDIS_CLUSTER`,
    ),
  });
  const store = storeAt(t, owner.url);
  // While a slot moves, a script finds all of its keys or none.
  await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'A' }]);
  const admin = adminOf(t, owner);
  await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(node));
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped', 'what is still there is served');
  await admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
  await admin.del(FENCE_KEY, 'warren:{0}:actors');
  await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(node));
  await t.rejects(store.fence(), { code: 'store-denied', message: /GET on "warren:\{0\}:fence": ASK/ });
});

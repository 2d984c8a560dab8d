/** Another server behind the same address: the connection that was kept leads to the one that must be left. */
import t from 'tap';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { startRedis } from '../../support/redis-process.js';
import { fenceOf } from './store-contract.js';
import { adminOf, settled, storeAt } from './store-on-redis.js';

/** A replica is sent the data as soon as it asks. */
const QUICK = { config: { 'repl-diskless-sync-delay': '0' } };

t.test('a fail-over behind one address: the server that is read-only now is left for the next', async (t) => {
  const [old, next] = [await startRedis(t, QUICK), await startRedis(t, QUICK)];
  const proxy = await startFaultProxy(t, old.port);
  const store = storeAt(t, `redis://127.0.0.1:${proxy.port}`);
  await store.commit(undefined, fenceOf(1), []);
  const [oldAdmin, nextAdmin] = [adminOf(t, old), adminOf(t, next)];
  await nextAdmin.replicaof('127.0.0.1', `${old.port}`);
  await settled(async () => (await nextAdmin.get('warren:{0}:fence')) !== null);
  await nextAdmin.replicaof('NO', 'ONE');
  await oldAdmin.replicaof('127.0.0.1', `${next.port}`);
  proxy.retarget(next.port);
  await t.rejects(store.commit(fenceOf(1), fenceOf(2), []), { code: 'store-refused', message: /READONLY/ });
  t.strictSame(await store.fence(), fenceOf(1), 'nothing has happened');
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
  t.ok((await nextAdmin.get('warren:{0}:fence'))?.includes('"version":2'));
});

t.test('a replica that has lost its master is left for the next server', async (t) => {
  const [replica, other] = [await startRedis(t), await startRedis(t)];
  const proxy = await startFaultProxy(t, replica.port);
  const store = storeAt(t, `redis://127.0.0.1:${proxy.port}`);
  await store.fence();
  const admin = adminOf(t, replica);
  await admin.config('SET', 'replica-serve-stale-data', 'no');
  await admin.replicaof('127.0.0.1', '1');
  proxy.retarget(other.port);
  await t.rejects(store.fence(), { code: 'store-refused', message: /MASTERDOWN/ });
  t.equal(await store.fence(), undefined);
});

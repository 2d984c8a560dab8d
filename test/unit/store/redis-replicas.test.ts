/** Commits that count when replicas have them. */
import t, { type Test } from 'tap';
import { Connections } from '../../../src/store/redis/connections.js';
import { RedisActorStore } from '../../../src/store/redis/redis-actor-store.js';
import { startRedis } from '../../support/redis-process.js';
import { QUICK, startReplica } from '../../support/redis-replica.js';
import { fenceOf } from './store-contract.js';
import { adminOf, settled } from './store-on-redis.js';

function storesAt(t: Test, url: string, prefixes: readonly string[], timeoutMs = 10_000): RedisActorStore[] {
  const connections = new Connections({ url, prefix: 'warren', replicas: 1 }, timeoutMs);
  t.teardown(async () => connections.drop());
  return prefixes.map((prefix) => new RedisActorStore(connections, prefix, timeoutMs));
}

async function waitsOf(admin: ReturnType<typeof adminOf>): Promise<number> {
  return Number(/cmdstat_wait:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
}

t.test(
  'a commit that too few replicas have is of unknown outcome, until one that follows is acknowledged',
  async (t) => {
    const master = await startRedis(t, QUICK);
    const [store] = storesAt(t, master.url, ['warren'], 5_000) as [RedisActorStore];
    await t.rejects(store.commit(undefined, fenceOf(1), []), {
      code: 'store-unreachable',
      message: /0 of 1 replicas have acknowledged/,
    });
    t.strictSame(await store.fence(), fenceOf(1), 'the master has it');
    await t.rejects(store.commit(fenceOf(1), fenceOf(2), []), { code: 'store-unreachable' });
    const replica = await startReplica(t, master);
    t.equal(
      await store.commit(fenceOf(1), fenceOf(3), []),
      'changed',
      'nothing was done, so nothing is waited for',
    );
    t.equal(await store.commit(fenceOf(2), fenceOf(3), []), 'swapped');
    t.match(await adminOf(t, replica).get('warren:{0}:fence'), /"version":3/, 'and with it those before');
  },
);

t.test('a replica that lags holds the commit until it has it', async (t) => {
  const master = await startRedis(t, QUICK);
  const replica = await startReplica(t, master);
  const [store] = storesAt(t, master.url, ['warren'], 60_000) as [RedisActorStore];
  await store.commit(undefined, fenceOf(1), []);
  const admin = adminOf(t, master);
  replica.pause();
  let outcome: string | undefined;
  const committed = store.commit(fenceOf(1), fenceOf(2), []).then((swapped) => {
    outcome = swapped;
  });
  await settled(async () => /"version":2/.test((await admin.get('warren:{0}:fence')) ?? ''));
  t.equal(outcome, undefined);
  replica.resume();
  await committed;
  t.equal(outcome, 'swapped');
});

t.test('commits that are sent together share one WAIT', async (t) => {
  const master = await startRedis(t, QUICK);
  await startReplica(t, master);
  const stores = storesAt(t, master.url, ['a', 'b', 'c', 'd']);
  const admin = adminOf(t, master);
  await stores[0]?.fence();
  const before = await waitsOf(admin);
  const outcomes = await Promise.all(stores.map((store) => store.commit(undefined, fenceOf(1), [])));
  t.strictSame(outcomes, ['swapped', 'swapped', 'swapped', 'swapped']);
  t.equal((await waitsOf(admin)) - before, 1);
});

t.test('a script that Redis has forgotten is sent again with a WAIT of its own behind it', async (t) => {
  const master = await startRedis(t, QUICK);
  const replica = await startReplica(t, master);
  const [store] = storesAt(t, master.url, ['warren'], 60_000) as [RedisActorStore];
  await store.commit(undefined, fenceOf(1), []);
  const admin = adminOf(t, master);
  await admin.script('FLUSH');
  const before = await waitsOf(admin);
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
  t.equal((await waitsOf(admin)) - before, 2);
  t.match(await adminOf(t, replica).get('warren:{0}:fence'), /"version":2/);
});

t.test('a server that takes no WAIT is found out before anything is committed', async (t) => {
  const master = await startRedis(t, QUICK);
  const replica = await startReplica(t, master);
  const admin = adminOf(t, master);
  await admin.call('ACL', 'SETUSER', 'u', 'on', '>pw', '~*', '+@all', '-wait');
  const [store] = storesAt(t, master.url.replace('//', '//u:pw@'), ['warren']) as [RedisActorStore];
  await t.rejects(store.commit(undefined, fenceOf(1), []), { code: 'store-denied', message: /WAIT: NOPERM/ });
  t.equal(await admin.exists('warren:{0}:fence'), 0);
  const [behind] = storesAt(t, replica.url, ['warren']) as [RedisActorStore];
  await t.rejects(behind.fence(), { code: 'store-refused', message: /WAIT cannot be used with replica/ });
});

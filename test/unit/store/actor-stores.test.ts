/** The stores of actors, each under the one contract. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { LevelActorStore } from '../../../src/store/level/level-actor-store.js';
import { RedisActorStore } from '../../../src/store/redis/redis-actor-store.js';
import { startRedis } from '../../support/redis-process.js';
import { folderOf, rawUse } from './level-folders.js';
import { storeContract } from './store-contract.js';
import { adminOf } from './store-on-redis.js';

t.test('level', async (t) => {
  storeContract(t, async (t) => {
    const folder = folderOf(t);
    return {
      exclusive: true,
      open: () => new LevelActorStore(folder),
      damage: (change) =>
        rawUse(folder, async (level) => level.put('fence', change((await level.get('fence')) ?? ''))),
    };
  });

  t.test('one process at a time has the folder', async (t) => {
    const folder = folderOf(t);
    const [first, second] = [new LevelActorStore(folder), new LevelActorStore(folder)];
    t.teardown(() => first.close());
    await first.fence();
    await t.rejects(second.fence(), { code: 'folder-in-use' });
    await first.close();
    t.equal(await second.fence(), undefined, 'and the next one after it');
    await second.close();
  });
});

t.test('redis', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  storeContract(t, async () => {
    const prefix = `test ${randomUUID()}`;
    const key = `${prefix}:{0}:fence`;
    return {
      exclusive: false,
      open: () => new RedisActorStore(redis.url, prefix, 30_000),
      damage: async (change) => {
        await admin.set(key, change((await admin.get(key)) ?? ''));
      },
    };
  });

  t.test('an empty fence is not the same as none', async (t) => {
    const store = new RedisActorStore(redis.url, 'empty', 30_000);
    t.teardown(() => store.close());
    await admin.set('empty:{0}:fence', '');
    await t.rejects(store.fence(), { code: 'store-corrupt' });
  });
});

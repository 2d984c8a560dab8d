/** A Redis that has lost confirmed commits of actors: nobody goes on from it by himself, and an operator can. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { RedisActorStore } from '../../src/store/redis/redis-actor-store.js';
import type { ShardFence } from '../../src/store/shard-fence.js';
import { serveCounters } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { post } from '../support/json-client.js';
import { startRedis } from '../support/redis-process.js';
import { spawnWarren } from '../support/warren-process.js';

const ACTORS = fileURLToPath(new URL('../support/fixtures/counter-actor.js', import.meta.url));

t.test('a halted store is refused by every instance until an operator accepts the loss', async (t) => {
  const redis = await startRedis(t);
  const env = { REDIS_URL: redis.url, SHARDS: '1' };
  const store = new RedisActorStore(redis.url, 'warren', 10_000);
  t.teardown(() => store.close());
  const fence: ShardFence = {
    store: 'a store',
    shard: 0,
    shards: 1,
    founded: 1,
    holds: {},
    epoch: 3,
    version: 7,
    group: 'a group',
    writer: 'a process that is gone',
    instance: 'elsewhere',
    process: '',
    renewal: 0,
    lease: 1_000,
    halted: 'it has lost commits',
    clock: 1,
    served: 0,
  };
  t.equal(await store.commit(undefined, fence, [{ id: 'counter/a', text: undefined }]), 'swapped');

  const halted = await spawnWarren(t, { env: { ACTORS, ...env } });
  t.equal((await halted.exited).code, 1);
  t.match(halted.output, /store-halted/);
  t.match(halted.output, /it has lost commits/);

  const accepted = await runCli(t, ['accept-loss', '--yes'], env);
  t.match(accepted, { code: 0, output: /continues at version 7/ });
  t.match(await runCli(t, ['accept-loss', '--yes'], env), { code: 1, output: /not halted/ });

  const { url } = await serveCounters(t, env);
  t.match(await post(url, '/counter/a/add'), { status: 200, body: 1 });
  t.equal((await store.fence())?.version, 8, 'versions go on');
});

/** A Redis that suddenly holds less than it had confirmed of actors, while the process that knows it lives. */
import t from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { ask, post } from '../support/json-client.js';
import { pause } from '../support/pause.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';

/** More than two of these do not fit into the smallest memory of an owner. */
const LARGE = JSON.stringify({ bytes: 400_000 });
/** The owner has no other reason to look at the store. */
const NO_RENEWAL = { LEASE_MS: '60000' };

for (const durability of ['gated', 'async'] as const) {
  for (const first of ['a command', 'a query'] as const) {
    t.test(
      `${durability}: ${first} on an actor that is not in memory sees what was acknowledged, on a connection that lived through the loss`,
      async (t) => {
        const redis = await startRedis(t, { config: { 'enable-debug-command': 'yes' } });
        const { url } = await serveCounters(t, {
          REDIS_URL: redis.url,
          STATE_MEMORY_MB: '1',
          DURABILITY: durability,
          ...NO_RENEWAL,
        });
        const add = async () => (await post(url, '/counter/a/add')).body;
        t.equal(await add(), 1);
        if (durability === 'async') await stored(redis, 'counter/a');
        await redisCommand(redis, 'SAVE');
        t.strictSame([await add(), await add()], [2, 3]);
        for (const key of ['w', 'x', 'y', 'z']) {
          t.match(await post(url, `/counter/${key}/store`, LARGE), { status: 204 });
        }
        if (durability === 'async') await stored(redis, 'counter/z');
        await redisCommand(redis, 'DEBUG', 'RELOAD', 'NOSAVE');
        if (first === 'a query') t.match(await ask(url, '/counter/a/get'), { status: 200, body: 3 });
        t.strictSame([await add(), await add()], [4, 5]);
      },
    );
  }
}

async function stored(redis: Parameters<typeof redisCommand>[0], id: string): Promise<void> {
  while ((await redisCommand(redis, 'HEXISTS', 'warren:{0}:actors', id)) !== 1) await pause();
}

/** A Redis Cluster of three masters, and a slot of it that moves from one to another while counters count. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { ACTORS, ready } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { CounterLoad } from '../support/counter-load.js';
import { moveSlot, startCluster } from '../support/redis-cluster.js';
import { redisCommand } from '../support/redis-command.js';
import type { RedisProcess } from '../support/redis-process.js';
import { startWarren } from '../support/warren-process.js';

/** More than a store has by default. */
const MOST_SHARDS = 100;
/** The grace is generous, so that it is not the clock that decides. */
const PATIENT = { STORE_GRACE_MS: '30000', ASK_TIMEOUT_MS: '60000' };

t.test(
  'a slot of a cluster moves under load: its shard waits, goes on at the other node, and nothing is lost',
  async (t) => {
    const nodes = await startCluster(t, 3);
    // A node that cannot be reached is no reason not to start, and no node has the keys of all shards.
    const env = { ACTORS, REDIS_CLUSTER: `127.0.0.1:1,${nodes[0].hostPort}`, ...PATIENT };
    const warren = await startWarren(t, { env });
    await ready(warren);
    const load = new CounterLoad({ url: warren.url, clients: 10, keys: 20 });
    await load.more(200);
    // Large enough that a move of it is seen.
    const body = JSON.stringify({ bytes: 500_000 });
    for (let large = 0; large < 4; large++) {
      t.equal(
        (await fetch(`${warren.url}/counter/large${large}/store`, { method: 'POST', body })).status,
        204,
      );
    }
    const { node: from, hash } = await whereIs('counter/k0', nodes);
    const to = nodes.find((node) => node !== from) as RedisProcess;
    const slot = Number(await redisCommand(from, 'CLUSTER', 'KEYSLOT', hash));
    await moveSlot(slot, from, to, async () => {
      // The keys lie on both nodes, and commits are tried meanwhile.
      const refused = await errorsOf(from);
      while ((await errorsOf(from)) === refused) await delay(5);
    });
    t.equal(await redisCommand(from, 'CLUSTER', 'COUNTKEYSINSLOT', `${slot}`), 0);
    await load.more(200);
    t.equal((await whereIs('counter/k0', nodes)).node, to);
    await load.end();
    await load.judge();
    t.comment({ acknowledged: load.acknowledged, others: Object.fromEntries(load.others) });
    t.equal(await warren.stop(), 0);
    const exported = await runCli(t, ['export'], { ...env, ADMIN_HOST_PORT: '' });
    t.equal(exported.code, 0, exported.output);
    t.match(exported.output, /"warren":"end"/);
  },
);

/** The node that has a state, and the hash that it is in. */
async function whereIs(id: string, nodes: readonly RedisProcess[]) {
  for (let shard = 0; shard < MOST_SHARDS; shard++) {
    const hash = `warren:{${shard}}:actors`;
    for (const node of nodes) {
      // Of a hash that another node has it says MOVED.
      if ((await redisCommand(node, 'HEXISTS', hash, id).catch(() => 0)) === 1) return { node, hash };
    }
  }
  throw new Error(`no node has ${id}`);
}

/** How many commands it has refused because a slot moves. */
async function errorsOf(node: RedisProcess): Promise<number> {
  const info = String(await redisCommand(node, 'INFO', 'errorstats'));
  let sum = 0;
  for (const [, count] of info.matchAll(/errorstat_(?:TRYAGAIN|ASK):count=(\d+)/g)) sum += Number(count);
  return sum;
}

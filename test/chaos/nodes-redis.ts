/**
 * The Redis that the nodes of a chaos run share, in each of the three ways in which people run one, and what can happen to it.
 * What a node has confirmed outlives each of these faults: the log is written before the answer, or a replica has it.
 */
import type { Scope } from '../support/child-handle.js';
import { moveSlot, startCluster } from '../support/redis-cluster.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { QUICK, startReplica, untilLinked } from '../support/redis-replica.js';
import { startSentinels } from '../support/redis-sentinel.js';
import type { Breakable } from './chaos-world.js';
import { redisFaults } from './redis-faults.js';

export const REDIS_KINDS = ['single', 'sentinel', 'cluster'] as const;
export type RedisKind = (typeof REDIS_KINDS)[number];

export interface NodesRedis {
  /** Where a proxy between a node and its Redis leads; undefined where nodes learn addresses from Redis itself. */
  readonly port: number | undefined;
  /** How a node without a proxy finds it. */
  readonly env: Readonly<Record<string, string>>;
  readonly faults: Breakable['faults'];
}

const CLUSTER_MASTERS = 3;
/** A server that is only busy is not down. */
const DOWN_AFTER_MS = 5_000;

export function startNodesRedis(scope: Scope, kind: RedisKind, shards: number): Promise<NodesRedis> {
  return { single, sentinel, cluster }[kind](scope, shards);
}

async function single(scope: Scope): Promise<NodesRedis> {
  const redis = await startRedis(scope, { appendOnly: true, fsync: 'no' });
  return { port: redis.port, env: {}, faults: redisFaults(redis) };
}

/** Each commit is on the replica before it counts, so that a fail-over loses none. */
async function sentinel(scope: Scope): Promise<NodesRedis> {
  const master = await startRedis(scope, QUICK);
  const servers = [master, await startReplica(scope, master)];
  const sentinels = await startSentinels(scope, master, { downAfterMs: DOWN_AFTER_MS });
  const failOver = async () => {
    const port = await sentinels.masterPort();
    const old = servers.find((server) => server.port === port) as RedisProcess;
    const next = servers.find((server) => server !== old) as RedisProcess;
    await sentinels.failOver();
    await sentinels.untilMaster(next.port);
    await untilLinked(old);
    return `from ${old.port} to ${next.port}`;
  };
  return {
    port: undefined,
    env: { REDIS_SENTINELS: sentinels.list, REDIS_REPLICAS_ACK: '1' },
    faults: { 'redis-failed-over': [1, failOver] },
  };
}

async function cluster(scope: Scope, shards: number): Promise<NodesRedis> {
  const masters = await startCluster(scope, CLUSTER_MASTERS, { appendOnly: true, fsync: 'no' });
  const [first] = masters;
  return {
    port: undefined,
    env: { REDIS_CLUSTER: masters.map(({ hostPort }) => hostPort).join(',') },
    faults: {
      'slot-moved': [
        1,
        async (random) => {
          const shard = random.between(0, shards - 1);
          const slot = Number(await redisCommand(first, 'CLUSTER', 'KEYSLOT', `warren:{${shard}}:fence`));
          const from = await ownerOf(slot, masters);
          const others = masters.filter((master) => master !== from);
          const to = others[random.between(0, others.length - 1)] as RedisProcess;
          await moveSlot(slot, from, to);
          return `with shard ${shard}, from ${from.port} to ${to.port}`;
        },
      ],
    },
  };
}

async function ownerOf(slot: number, masters: readonly RedisProcess[]): Promise<RedisProcess> {
  for (const master of masters) {
    if (Number(await redisCommand(master, 'CLUSTER', 'COUNTKEYSINSLOT', `${slot}`)) > 0) return master;
  }
  throw new Error(`slot ${slot} has no key`);
}

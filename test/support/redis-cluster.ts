/** A private redis-server in cluster mode: one node that owns the given slots, and is ready to serve them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { redisCommand } from './redis-command.js';
import { type RedisProcess, startRedis } from './redis-process.js';

const POLL_MS = 20;
const TRIES = 1_000;

export const LAST_SLOT = 16_383;

/** @param ranges first and last slot of each; none for a node that owns nothing. */
export async function startClusterNode(
  scope: Scope,
  ranges: readonly (readonly [number, number])[] = [[0, LAST_SLOT]],
): Promise<RedisProcess> {
  const busPort = await freePort();
  const node = await startRedis(scope, {
    config: {
      'cluster-enabled': 'yes',
      'cluster-port': `${busPort}`,
      // Slots that other nodes own do not keep this one from serving its own.
      'cluster-require-full-coverage': 'no',
    },
  });
  for (const [first, last] of ranges) {
    await redisCommand(node, 'CLUSTER', 'ADDSLOTSRANGE', `${first}`, `${last}`);
  }
  if (ranges.length > 0) await untilCluster(node, 'INFO', /cluster_state:ok/);
  return node;
}

/** Makes two nodes know each other and each other's slots. */
export async function meet(node: RedisProcess, other: RedisProcess): Promise<void> {
  const [, busPort] = /@(\d+)/.exec(String(await redisCommand(other, 'CLUSTER', 'NODES'))) ?? [];
  await redisCommand(node, 'CLUSTER', 'MEET', '127.0.0.1', `${other.port}`, `${busPort}`);
  for (const each of [node, other]) await untilCluster(each, 'NODES', /connected \d[\s\S]*connected \d/);
}

export async function idOf(node: RedisProcess): Promise<string> {
  return String(await redisCommand(node, 'CLUSTER', 'MYID'));
}

async function untilCluster(node: RedisProcess, what: string, fits: RegExp): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (fits.test(String(await redisCommand(node, 'CLUSTER', what)))) return;
    await delay(POLL_MS);
  }
  throw new Error(`CLUSTER ${what} never showed ${fits}`);
}

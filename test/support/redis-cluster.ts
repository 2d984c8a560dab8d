/** Private redis-servers in cluster mode: nodes that own the given slots, and are ready to serve them. */
import type { Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { pause } from './pause.js';
import { redisCommand } from './redis-command.js';
import { type RedisOptions, type RedisProcess, startRedis } from './redis-process.js';

const TRIES = 1_000;

export const LAST_SLOT = 16_383;

/** @param ranges first and last slot of each; none for a node that owns nothing. */
export async function startClusterNode(
  scope: Scope,
  ranges: readonly (readonly [number, number])[] = [[0, LAST_SLOT]],
  options: RedisOptions = {},
): Promise<RedisProcess> {
  const busPort = await freePort();
  const node = await startRedis(scope, {
    ...options,
    config: {
      ...options.config,
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

/** Masters that share the slots evenly. Resolves when each knows all of them. */
export async function startCluster(
  scope: Scope,
  count: number,
  options: RedisOptions = {},
): Promise<readonly [RedisProcess, ...RedisProcess[]]> {
  const first = (at: number) => Math.floor((at * (LAST_SLOT + 1)) / count);
  const start = (at: number) => startClusterNode(scope, [[first(at), first(at + 1) - 1]], options);
  const node = await start(0);
  const others = [];
  for (let at = 1; at < count; at++) others.push(await start(at));
  for (const other of others) await meet(node, other);
  for (const each of [node, ...others]) {
    const whole = `cluster_state:ok[\\s\\S]*cluster_slots_ok:${LAST_SLOT + 1}[\\s\\S]*cluster_known_nodes:${count}`;
    await untilCluster(each, 'INFO', new RegExp(whole));
  }
  return [node, ...others];
}

/** Moves a slot as `redis-cli --cluster reshard` does. @param onKeys is called when the keys lie on both nodes. */
export async function moveSlot(
  slot: number,
  from: RedisProcess,
  to: RedisProcess,
  onKeys: () => Promise<void> = async () => {},
): Promise<void> {
  const setSlot = async (node: RedisProcess, ...words: string[]) =>
    redisCommand(node, 'CLUSTER', 'SETSLOT', `${slot}`, ...words);
  const [source, target] = [await idOf(from), await idOf(to)];
  await setSlot(to, 'IMPORTING', source);
  await setSlot(from, 'MIGRATING', target);
  for (let moved = 0; ; moved++) {
    const [key] = (await redisCommand(from, 'CLUSTER', 'GETKEYSINSLOT', `${slot}`, '1')) as string[];
    if (key === undefined) break;
    await redisCommand(from, 'MIGRATE', '127.0.0.1', `${to.port}`, key, '0', '60000');
    if (moved === 0) await onKeys();
  }
  for (const node of [to, from]) await setSlot(node, 'NODE', target);
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
    await pause();
  }
  throw new Error(`CLUSTER ${what} never showed ${fits}`);
}

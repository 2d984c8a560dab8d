/** A replica of a Redis of the test. */
import type { Scope } from './child-handle.js';
import { pause } from './pause.js';
import { redisCommand } from './redis-command.js';
import { type RedisOptions, type RedisProcess, startRedis } from './redis-process.js';

/** A replica is sent the data as soon as it asks. */
export const QUICK = { config: { 'repl-diskless-sync-delay': '0' } };

/** Resolves when the replica has what its master has. */
export async function startReplica(
  scope: Scope,
  master: RedisProcess,
  options: RedisOptions = QUICK,
): Promise<RedisProcess> {
  const replica = await startRedis(scope, options);
  await redisCommand(replica, 'REPLICAOF', '127.0.0.1', `${master.port}`);
  await untilLinked(replica);
  return replica;
}

export async function untilLinked(replica: RedisProcess): Promise<void> {
  // A Sentinel closes the connections of a server whose role it changes.
  const about = () => redisCommand(replica, 'INFO', 'replication').catch(() => '');
  while (!/master_link_status:up/.test(String(await about()))) await pause();
}

/** Changes a store by a command while no server has it: takes the fence as an owner does, and makes one commit. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isProvenDead, processMark } from '../runtime/process-mark.js';
import { commitText } from '../store/commit-id.js';
import type { ActorStore, Change } from '../store/contract.js';
import { isSameFence } from '../store/fence.js';
import type { ShardFence } from '../store/shard-fence.js';
import { CommandFailed } from './usage.js';

const LOOK_MS = 250;
const LEASE_SLACK = 1.1;

/**
 * A new epoch of the shard, so that an owner which nobody has noticed is fenced off instead of going on from what it knew.
 *
 * @param by the name of the command.
 * @param changes gets the name of the commit and returns its changes.
 * @returns that commit.
 * @throws CommandFailed when another process owns the store.
 */
export async function takeAndChange(
  store: ActorStore,
  stored: ShardFence | undefined,
  by: string,
  changes: (commit: string) => readonly Change[],
): Promise<string> {
  if (stored && (await isRenewed(store, stored))) {
    throw new CommandFailed(
      `Another instance (${stored.instance}) serves from this store. Nothing was done.`,
    );
  }
  const next: ShardFence = {
    store: stored?.store ?? randomId(),
    shard: stored?.shard ?? 0,
    shards: stored?.shards ?? 1,
    founded: 1,
    holds: stored?.holds ?? {},
    epoch: (stored?.epoch ?? 0) + 1,
    version: (stored?.version ?? 0) + 1,
    halted: stored?.halted ?? '',
    clock: Math.max(stored?.clock ?? 0, Date.now()),
    served: stored?.served ?? 0,
    ...signature(by),
  };
  const commit = commitText(next);
  if ((await store.commit(stored, next, changes(commit))) === 'swapped') return commit;
  throw new CommandFailed(
    'Another process has changed the fence: it serves from this store. Nothing was done.',
  );
}

/** What a command writes into a fence: it holds no lease. */
export function signature(by: string) {
  const writer = randomUUID();
  return {
    group: randomId(),
    renewal: 0,
    lease: 0,
    writer,
    instance: `warren ${by}`,
    process: processMark(),
  };
}

export function randomId(): string {
  return randomBytes(16).toString('hex');
}

/** Whether its owner lives: it renews a lease that it has not released. */
async function isRenewed(store: ActorStore, stored: ShardFence): Promise<boolean> {
  if (!store.shared || stored.lease === 0 || isProvenDead(stored.process)) return false;
  const until = performance.now() + LEASE_SLACK * stored.lease;
  while (performance.now() < until) {
    await delay(Math.min(LOOK_MS, stored.lease));
    if (!isSameFence(stored, await store.fence())) return true;
  }
  return false;
}

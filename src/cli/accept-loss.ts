/** `warren accept-loss`: takes the mark "halted" from a Redis that has lost confirmed commits, so that instances may serve it again. */
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import type { ShardFence } from '../store/shard-fence.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
import { withStoreToWrite } from './open-store.js';
import { isUnfinished } from './unfinished-import.js';
import { CommandFailed } from './usage.js';

export const ACCEPT_LOSS_USAGE = `usage: warren accept-loss [--yes]

Every instance halts when Redis has lost commits that it had confirmed and no running instance can write them again. This command lets the instances go
on from what Redis holds. Commands that were acknowledged beyond that are lost, and their results may be given out again.`;

export async function acceptLoss(
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { yes: { type: 'boolean', default: false } },
  });
  const config = readConfig(environment);
  const { store: place } = config;
  if (place.kind !== 'redis') throw new CommandFailed('Only a Redis can lose what it had confirmed.');
  return withStoreToWrite(config, async (store) => {
    const halted: ShardFence[] = [];
    for (let at = 0; at < store.count; at++) {
      const fence = await store.shard(at).fence();
      if (fence?.halted) halted.push(fence);
    }
    const [first] = halted;
    if (!first) throw new CommandFailed(`${placeOf(place)} is not halted. Nothing was done.`);
    if (isUnfinished(first)) throw new CommandFailed(`${placeOf(place)}: ${first.halted}. Nothing was done.`);
    const others = halted.length > 1 ? ` (and ${halted.length - 1} more of ${store.count} shards)` : '';
    await confirm(
      `${placeOf(place)} is halted: ${first.halted}${others}. It will continue at version ${first.version}.`,
      values.yes,
    );
    for (const fence of halted) {
      const next = { ...fence, epoch: fence.epoch + 1, halted: '', lease: 0 };
      if ((await store.shard(fence.shard).commit(fence, next, [])) !== 'swapped') {
        throw new CommandFailed(
          `Another process has changed the fence of shard ${fence.shard}. Run this again.`,
        );
      }
      console.log(
        `${placeOf(place)} continues at version ${next.version}${store.count > 1 ? `, shard ${fence.shard}` : ''}.`,
      );
    }
    return 0;
  });
}

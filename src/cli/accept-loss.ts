/** `warren accept-loss`: takes the mark "halted" from a Redis that has lost confirmed commits, so that instances may serve it again. */
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { openActorStore } from '../store/open-actor-store.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
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
  const store = await openActorStore(place, { timeoutMs: config.commitTimeoutMs });
  try {
    const fence = await store.fence();
    if (!fence?.halted) throw new CommandFailed(`${placeOf(place)} is not halted. Nothing was done.`);
    if (isUnfinished(fence)) throw new CommandFailed(`${placeOf(place)}: ${fence.halted}. Nothing was done.`);
    await confirm(
      `${placeOf(place)} is halted: ${fence.halted}. It will continue at version ${fence.version}.`,
      values.yes,
    );
    const next = { ...fence, epoch: fence.epoch + 1, halted: '', lease: 0 };
    if ((await store.commit(fence, next, [])) !== 'swapped') {
      throw new CommandFailed('Another process has changed the fence. Nothing was done.');
    }
    console.log(`${placeOf(place)} continues at version ${next.version}.`);
    return 0;
  } finally {
    await store.close();
  }
}

/** `warren inspect` and `warren set-index`: the checkpoint of a store, read and, while nobody serves, set. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config.js';
import { WarrenError } from '../errors.js';
import { isProvenDead, processMark } from '../runtime/process-mark.js';
import { digitsUpTo, fibonacci } from '../sequence/fibonacci.js';
import type { Checkpoint } from '../store/checkpoint.js';
import { isSameFence } from '../store/fence.js';
import { FolderLock } from '../store/folder-lock.js';
import { LMDB_FILE } from '../store/lmdb-file.js';
import { openStore } from '../store/open-store.js';
import type { Store } from '../store/store.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

const LOOK_MS = 250;
const LEASE_SLACK = 1.1;

type Environment = Record<string, string | undefined>;

export async function inspect(args: readonly string[], environment: Environment): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readConfig(environment);
  const checkpoint = await withStore(config, (store) => store.load());
  if (!checkpoint) throw new CommandFailed(`There is no checkpoint in ${placeOf(config.store)}.`);
  const digits = digitsUpTo(checkpoint.state);
  console.log(JSON.stringify({ store: placeOf(config.store), ...checkpoint, digits }, null, 2));
  return 0;
}

export async function setIndex(args: readonly string[], environment: Environment): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { yes: { type: 'boolean', default: false } },
  });
  const config = readConfig(environment);
  const [text = ''] = positionals;
  const index = Number(text);
  if (positionals.length !== 1 || !/^\d{1,15}$/.test(text) || index > config.maxIndex) {
    throw new CommandFailed(
      `set-index needs one index, from 0 to MAX_INDEX (${config.maxIndex})`,
      EXIT_USAGE,
    );
  }
  // Whoever serves from the folder holds this lock.
  const lock = config.store.kind === 'lmdb' ? await FolderLock.acquire(config.store.folder) : undefined;
  try {
    await withStore(config, async (store) => {
      const stored = await store.load();
      const from = stored ? `index ${stored.state}` : 'nothing';
      const warning =
        stored && index < stored.state ? ' Numbers handed out before will be handed out again.' : '';
      await confirm(
        `${placeOf(config.store)} holds ${from}; it will hold index ${index}.${warning}`,
        values.yes,
      );
      await replace(store, stored, index);
      console.log(`${placeOf(config.store)} holds index ${index}.`);
    });
  } finally {
    await lock?.release();
  }
  return 0;
}

/** A new epoch, so that an owner which nobody has noticed is fenced off instead of going on at its own index. */
async function replace(store: Store, stored: Checkpoint | undefined, index: number): Promise<void> {
  if (stored && (await isRenewed(store, stored))) {
    throw new CommandFailed(
      `Another instance (${stored.instance}) serves from this store. Nothing was done.`,
    );
  }
  const next: Checkpoint = {
    epoch: (stored?.epoch ?? 0) + 1,
    version: (stored?.version ?? 0) + 1,
    renewal: 0,
    lease: 0,
    state: index,
    writer: randomUUID(),
    instance: 'warren set-index',
    process: processMark(),
  };
  const outcome = await store.commit(stored, next);
  if (outcome !== 'swapped') {
    throw new CommandFailed(
      'The record changed meanwhile: somebody serves from this store. Nothing was done.',
    );
  }
}

/** Whether its owner lives: it renews a lease that it has not released. */
async function isRenewed(store: Store, stored: Checkpoint): Promise<boolean> {
  if (store.leaseMs === undefined || stored.lease === 0 || isProvenDead(stored.process)) return false;
  const until = performance.now() + LEASE_SLACK * stored.lease;
  while (performance.now() < until) {
    await delay(Math.min(LOOK_MS, stored.lease));
    if (!isSameFence(stored, await store.load())) return true;
  }
  return false;
}

async function withStore<T>(
  { store: place, commitTimeoutMs }: Config,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  if (place.kind === 'memory') throw new CommandFailed('A memory store holds nothing between two processes.');
  if (place.kind === 'lmdb' && !existsSync(join(place.folder, LMDB_FILE))) {
    throw new CommandFailed(`There is no store in ${place.folder}.`);
  }
  const store = await openStore(fibonacci(0).actor, place, {
    timeoutMs: commitTimeoutMs,
    uninterrupted: (call) => call(),
  });
  try {
    return await use(store);
  } catch (error) {
    if (error instanceof WarrenError) throw new CommandFailed(error.message);
    throw error;
  } finally {
    await store.close();
  }
}

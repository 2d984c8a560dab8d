/**
 * `warren inspect`, `warren backup` and `warren set-index`: the checkpoint of a store, read, copied and, while no server has it, set.
 *
 * The first two only read a data folder, and work on a copy of their own, since a running server has the lock. What the third writes belongs to the folder's
 * owner, also when root has called it: the service could not use files of another user.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.js';
import { messageOf, WarrenError } from '../errors.js';
import { digitsUpTo, fibonacci } from '../residents/fibonacci/fibonacci.js';
import { isProvenDead, processMark } from '../runtime/process-mark.js';
import type { Checkpoint } from '../store/checkpoint.js';
import { isSameFence } from '../store/fence.js';
import { copyDatabase } from '../store/level/level-copy.js';
import { filesIn, levelFolderIn } from '../store/level/level-files.js';
import { openStore, type StoreConfig } from '../store/open-store.js';
import type { Store } from '../store/store.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
import { withTemporary } from './temporary-folder.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

const LOOK_MS = 250;
const LEASE_SLACK = 1.1;

type Environment = Record<string, string | undefined>;

export async function inspect(args: readonly string[], environment: Environment): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readConfig(environment);
  const { store } = config;
  const checkpoint =
    store.kind === 'level'
      ? await withTemporary(join(tmpdir(), `warren-inspect-${randomUUID()}`), (copy) =>
          loadCopy(config, store.folder, copy),
        )
      : await withStore(config, store, (store) => store.load());
  if (!checkpoint) throw new CommandFailed(`There is no checkpoint in ${placeOf(store)}.`);
  print(config, checkpoint);
  return 0;
}

export async function backup(args: readonly string[], environment: Environment): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  const config = readConfig(environment);
  const [target = ''] = positionals;
  if (positionals.length !== 1 || target === '') {
    throw new CommandFailed('backup needs the folder to write to: a new one, or an empty one', EXIT_USAGE);
  }
  const { store } = config;
  if (store.kind !== 'level') {
    throw new CommandFailed('backup is for the level store. Redis has means of its own (BGSAVE, or DUMP).');
  }
  if (makeFolder(target).length > 0) throw new CommandFailed(`${target} is not empty. Nothing was done.`);
  const checkpoint = await withTemporary(join(target, 'unfinished'), async (copy) => {
    const checkpoint = await loadCopy(config, store.folder, copy);
    if (checkpoint) renameSync(levelFolderIn(copy), levelFolderIn(target));
    return checkpoint;
  });
  if (!checkpoint) throw new CommandFailed(`There is no checkpoint in ${placeOf(store)}.`);
  print(config, checkpoint, { backup: resolve(target) });
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
  const { store: place } = config;
  if (place.kind === 'level') {
    if (!readable(place.folder, () => filesIn(levelFolderIn(place.folder)))) throw noStore(place.folder);
    becomeOwnerOf(place.folder);
  }
  await withStore(config, place, async (store) => {
    const stored = await store.load();
    const from = stored ? `index ${stored.state}` : 'nothing';
    const warning =
      stored && index < stored.state ? ' Numbers handed out before will be handed out again.' : '';
    await confirm(`${placeOf(place)} holds ${from}; it will hold index ${index}.${warning}`, values.yes);
    await replace(store, stored, index);
    console.log(`${placeOf(place)} holds index ${index}.`);
  });
  return 0;
}

function print(config: Config, checkpoint: Checkpoint, more: object = {}): void {
  const digits = digitsUpTo(checkpoint.state);
  console.log(JSON.stringify({ store: placeOf(config.store), ...more, ...checkpoint, digits }, null, 2));
}

/** Copies the database of a folder, opens the copy, and so proves it. */
async function loadCopy(config: Config, folder: string, copy: string): Promise<Checkpoint | undefined> {
  try {
    if (!(await copyDatabase(folder, copy))) throw noStore(folder);
  } catch (error) {
    throw failedOn(folder, error);
  }
  return withStore(config, { kind: 'level', folder: copy }, (store) => store.load());
}

/** What is in it already. */
function makeFolder(target: string): string[] {
  try {
    mkdirSync(target, { recursive: true });
    return readdirSync(target);
  } catch (error) {
    throw new CommandFailed(`${target} cannot be written: ${messageOf(error)}`);
  }
}

function readable<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw failedOn(folder, error);
  }
}

function failedOn(folder: string, error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  const denied = ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  const cure = denied ? `\nRun this as root, or as a user who may read ${folder}.` : '';
  return new CommandFailed(`${messageOf(error)}${cure}`);
}

function noStore(folder: string): CommandFailed {
  return new CommandFailed(`There is no store in ${folder}.`);
}

/** From here on root does everything as the folder's owner. */
function becomeOwnerOf(folder: string): void {
  const { uid, gid } = statSync(folder);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  process.setegid?.(gid);
  process.seteuid?.(uid);
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
  { commitTimeoutMs }: Config,
  place: StoreConfig,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  if (place.kind === 'memory') throw new CommandFailed('A memory store holds nothing between two processes.');
  const store = await openStore(fibonacci(0).actor, place, {
    timeoutMs: commitTimeoutMs,
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

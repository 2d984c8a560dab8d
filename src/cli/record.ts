/**
 * `warren inspect`, `warren backup` and `warren set-index`: fence and sequence of a store, read, copied and, while no server has it, set.
 *
 * The first two only read a data folder, and work on a copy of their own, since a running server has the lock. What the third writes belongs to the folder's
 * owner, also when root has called it: the service could not use files of another user.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.js';
import { messageOf, WarrenError } from '../errors.js';
import { indexText, SEQUENCE_ID, storedIndex } from '../residents/fibonacci/behavior.js';
import { digitsUpTo } from '../residents/fibonacci/fibonacci.js';
import { isProvenDead, processMark } from '../runtime/process-mark.js';
import { commitText } from '../store/commit-id.js';
import type { ActorStore } from '../store/contract.js';
import { isSameFence } from '../store/fence.js';
import { copyDatabase } from '../store/level/level-copy.js';
import { filesIn, levelFolderIn } from '../store/level/level-files.js';
import { openActorStore, type StoreConfig } from '../store/open-actor-store.js';
import type { ShardFence } from '../store/shard-fence.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
import { withTemporary } from './temporary-folder.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

const LOOK_MS = 250;
const LEASE_SLACK = 1.1;

/** What a store holds. */
interface Held {
  readonly fence: ShardFence;
  /** Where the sequence stands; undefined when the store holds none. */
  readonly index: number | undefined;
}

type Environment = Record<string, string | undefined>;

export async function inspect(args: readonly string[], environment: Environment): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readConfig(environment);
  const { store } = config;
  const held =
    store.kind === 'level'
      ? await withTemporary(join(tmpdir(), `warren-inspect-${randomUUID()}`), (copy) =>
          loadCopy(config, store.folder, copy),
        )
      : await withStore(config, store, read);
  if (!held) throw new CommandFailed(`There is no fence in ${placeOf(store)}: nothing was stored there yet.`);
  print(config, held);
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
  const held = await withTemporary(join(target, 'unfinished'), async (copy) => {
    const held = await loadCopy(config, store.folder, copy);
    if (held) renameSync(levelFolderIn(copy), levelFolderIn(target));
    return held;
  });
  if (!held) throw new CommandFailed(`There is no fence in ${placeOf(store)}: nothing was stored there yet.`);
  print(config, held, { backup: resolve(target) });
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
    const held = await read(store);
    const from = held?.index === undefined ? 'no sequence' : `index ${held.index}`;
    const warning =
      held?.index !== undefined && index < held.index
        ? ' Numbers handed out before will be handed out again.'
        : '';
    await confirm(`${placeOf(place)} holds ${from}; it will hold index ${index}.${warning}`, values.yes);
    await replace(store, held?.fence, index);
    console.log(`${placeOf(place)} holds index ${index}.`);
  });
  return 0;
}

function print(config: Config, { fence, index }: Held, more: object = {}): void {
  const sequence = index === undefined ? {} : { index, digits: digitsUpTo(index) };
  console.log(JSON.stringify({ store: placeOf(config.store), ...more, ...sequence, fence }, null, 2));
}

async function read(store: ActorStore): Promise<Held | undefined> {
  const { fence, texts } = await store.load([SEQUENCE_ID], Number.POSITIVE_INFINITY);
  if (!fence) return undefined;
  const [text] = texts;
  return { fence, index: text === undefined ? undefined : storedIndex(text) };
}

/** Copies the database of a folder, opens the copy, and so proves it. */
async function loadCopy(config: Config, folder: string, copy: string): Promise<Held | undefined> {
  try {
    if (!(await copyDatabase(folder, copy))) throw noStore(folder);
  } catch (error) {
    throw failedOn(folder, error);
  }
  return withStore(config, { kind: 'level', folder: copy }, read);
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
async function replace(store: ActorStore, stored: ShardFence | undefined, index: number): Promise<void> {
  if (stored && (await isRenewed(store, stored))) {
    throw new CommandFailed(
      `Another instance (${stored.instance}) serves from this store. Nothing was done.`,
    );
  }
  const next: ShardFence = {
    store: stored?.store ?? randomId(),
    epoch: (stored?.epoch ?? 0) + 1,
    version: (stored?.version ?? 0) + 1,
    group: randomId(),
    renewal: 0,
    lease: 0,
    halted: stored?.halted ?? '',
    clock: Math.max(stored?.clock ?? 0, Date.now()),
    served: stored?.served ?? 0,
    writer: randomUUID(),
    instance: 'warren set-index',
    process: processMark(),
  };
  const outcome = await store.commit(stored, next, [
    { id: SEQUENCE_ID, text: indexText(index, commitText(next.epoch, next.version)) },
  ]);
  if (outcome !== 'swapped') {
    throw new CommandFailed(
      'Another process has changed the fence: it serves from this store. Nothing was done.',
    );
  }
}

function randomId(): string {
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

async function withStore<T>(
  { commitTimeoutMs }: Config,
  place: StoreConfig,
  use: (store: ActorStore) => Promise<T>,
): Promise<T> {
  if (place.kind === 'memory') throw new CommandFailed('A memory store holds nothing between two processes.');
  const store = await openActorStore(place, { timeoutMs: commitTimeoutMs });
  try {
    return await use(store);
  } catch (error) {
    if (error instanceof WarrenError) throw new CommandFailed(error.message);
    throw error;
  } finally {
    await store.close();
  }
}

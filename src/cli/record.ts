/**
 * `warren inspect`, `warren backup` and `warren set-index`: print the fence and the sequence of a store, copy the store, or set the index of the sequence.
 */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import { indexText, SEQUENCE_ID, storedIndex } from '../residents/fibonacci/behavior.js';
import { digitsUpTo } from '../residents/fibonacci/fibonacci.js';
import type { Shards } from '../store/all-shards.js';
import { levelFolderIn } from '../store/level/level-files.js';
import type { ShardFence } from '../store/shard-fence.js';
import { placeOf } from '../store/store-place.js';
import { confirm } from './confirm.js';
import { withCopy, withStoreToRead, withStoreToWrite } from './open-store.js';
import { takeAndChange } from './take-store.js';
import { withTemporary } from './temporary-folder.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

/** What a store holds. */
interface Held {
  readonly fence: ShardFence;
  /** Index of the sequence; undefined when the store has no sequence. */
  readonly index: number | undefined;
}

type Environment = Record<string, string | undefined>;

export async function inspect(args: readonly string[], environment: Environment): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readConfig(environment);
  const { store } = config;
  const held = await withStoreToRead(config, read);
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
    const held = await withCopy(config, store.folder, copy, read);
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
  await withStoreToWrite(config, async (store) => {
    const held = await read(store);
    const from = held?.index === undefined ? 'no sequence' : `index ${held.index}`;
    const warning =
      held?.index !== undefined && index < held.index
        ? ' Numbers handed out before will be handed out again.'
        : '';
    await confirm(`${placeOf(place)} holds ${from}; it will hold index ${index}.${warning}`, values.yes);
    if (!held && store.count > 1) {
      throw new CommandFailed(`${placeOf(place)} is empty: start a server on it once. Nothing was done.`);
    }
    await takeAndChange(store.of(SEQUENCE_ID), held?.fence, 'set-index', (commit) => [
      { id: SEQUENCE_ID, text: indexText(index, commit) },
    ]);
    console.log(`${placeOf(place)} holds index ${index}.`);
  });
  return 0;
}

function print(config: Config, { fence, index }: Held, more: object = {}): void {
  const sequence = index === undefined ? {} : { index, digits: digitsUpTo(index) };
  console.log(JSON.stringify({ store: placeOf(config.store), ...more, ...sequence, fence }, null, 2));
}

async function read(store: Shards): Promise<Held | undefined> {
  const { fence, texts } = await store.of(SEQUENCE_ID).load([SEQUENCE_ID], Number.POSITIVE_INFINITY);
  if (!fence) return undefined;
  const [text] = texts;
  return { fence, index: text === undefined ? undefined : storedIndex(text) };
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

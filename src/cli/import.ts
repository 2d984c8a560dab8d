/**
 * `warren import`: writes an export into an empty store, all or nothing.
 *
 * The fence is marked as halted until the last line is stored, so no server serves an incomplete store. An import that was broken off can be
 * deleted: each batch lists its idempotency records in a window of its own, and the last commits delete these windows.
 */
import { constants, createReadStream, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import { type ExportLine, parseLine } from '../runtime/owner/export-line.js';
import type { Shards } from '../store/all-shards.js';
import { commitText, parseCommit } from '../store/commit-id.js';
import type { ShardFence } from '../store/shard-fence.js';
import { placeOf } from '../store/store-place.js';
import { becomeOwnerOf, withStore } from './open-store.js';
import { byShard, ShardImport } from './shard-import.js';
import { randomId, signature } from './take-store.js';
import { emptyShard, isUnfinished, UNFINISHED } from './unfinished-import.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

export const IMPORT_USAGE = `usage: warren import FILE [--again]

Writes an export into the store that the environment names, LevelDB or Redis. FILE is what warren export has printed; - reads standard input. The store
must be empty, and no server may have it. No server serves a store whose import did not end; --again deletes such an import and starts over.

The store gets a new id and an epoch above that of the export, so an instance that still uses the old store can no longer write.`;

/** So many take-overs may have happened since the export: the names of new commits are above theirs. */
const EPOCHS = 1_000;

export async function importAll(
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { again: { type: 'boolean', default: false } },
  });
  const [file = ''] = positionals;
  if (positionals.length !== 1 || file === '')
    throw new CommandFailed('import takes one file, or -', EXIT_USAGE);
  const config = readConfig(environment);
  const { store: place } = config;
  if (file !== '-') await access(file, constants.R_OK).catch((error) => failRead(file, error));
  if (place.kind === 'level' && existsSync(place.folder)) becomeOwnerOf(place.folder);
  await withStore(config, place, async (store) => {
    const fences = await emptyFencesOf(store, placeOf(place), values.again);
    const lines = linesOf(file);
    const { commit, changes } = await new Import(store, fences).run(lines);
    console.log(JSON.stringify({ store: placeOf(place), commit, entries: changes }));
  });
  return 0;
}

/** @returns the fence of each shard. @throws CommandFailed when the store holds anything that may not be removed. */
async function emptyFencesOf(
  store: Shards,
  place: string,
  again: boolean,
): Promise<(ShardFence | undefined)[]> {
  const shards = Array.from({ length: store.count }, (_, at) => store.shard(at));
  const fences = await Promise.all(shards.map((shard) => shard.fence()));
  for (const fence of fences) {
    if (!fence || isUnfinished(fence)) continue;
    throw new CommandFailed(`${place} is not empty: it holds commit ${commitText(fence)}. Nothing was done.`);
  }
  const [stored] = fences.filter((fence) => fence !== undefined);
  if (stored && !again) throw new CommandFailed(`${place}: ${stored.halted}. Nothing was done.`);
  return Promise.all(
    shards.map(async (shard, at) => {
      const fence = fences[at];
      if (fence) return emptyShard(shard, fence);
      const { entries } = await shard.scan('', undefined, 1);
      if (entries.length === 0) return undefined;
      throw new CommandFailed(`${place} is not empty: it holds actors. Nothing was done.`);
    }),
  );
}

class Import {
  readonly #shards: readonly ShardImport[];
  #highest = { epoch: 0, version: 0 };
  #lines = 0;

  /** @param fences by shard. */
  constructor(store: Shards, fences: readonly (ShardFence | undefined)[]) {
    this.#shards = fences.map((fence, at) => new ShardImport(store.shard(at), fence));
  }

  async run(lines: AsyncIterable<string>): Promise<{ commit: string; changes: number }> {
    let number = 0;
    let ended = false;
    for await (const text of lines) {
      number += 1;
      if (ended) throw new CommandFailed(`Line ${number} comes after the end of the export.${LEFT}`);
      const line = parsed(text, number);
      if (number === 1) await this.#begin(line);
      else if (line.kind === 'end') ended = this.#isWhole(line.lines);
      else await this.#take(line, number);
    }
    if (!ended) throw new CommandFailed(`The file ends before the export does.${number > 0 ? LEFT : ''}`);
    return this.#finish();
  }

  async #begin(line: ExportLine): Promise<void> {
    if (line.kind !== 'header')
      throw new CommandFailed('The file is no export: its first line says so. Nothing was done.');
    this.#note(line.commit);
    const store = randomId();
    const epoch = this.#highest.epoch + EPOCHS;
    // Shard 0 first: who finds it knows that the store is not empty.
    for (const [shard, one] of this.#shards.entries()) {
      await one.begin({
        store,
        shard,
        shards: this.#shards.length,
        founded: 1,
        holds: {},
        epoch,
        version: 0,
        halted: UNFINISHED,
        clock: line.clock,
        served: line.served,
        ...signature('import'),
      });
    }
  }

  async #take(line: ExportLine, number: number): Promise<void> {
    if (line.kind !== 'entry') throw new CommandFailed(`Line ${number} is a second header.${LEFT}`);
    this.#lines += 1;
    if (line.commit) this.#note(line.commit);
    for (const [shard, change] of byShard(line.change, this.#shards.length))
      await (this.#shards[shard] as ShardImport).add(change);
  }

  /** The last commits say that it is whole. They begin when everything is stored. */
  async #finish(): Promise<{ commit: string; changes: number }> {
    for (const shard of this.#shards) await shard.flush();
    let last = '';
    for (const shard of this.#shards.toReversed()) last = await shard.finish(this.#highest.version + 1);
    return { commit: last, changes: this.#lines };
  }

  #note(commit: string): void {
    const { epoch, version } = parseCommit(commit) ?? this.#highest;
    this.#highest = {
      epoch: Math.max(epoch, this.#highest.epoch),
      version: Math.max(version, this.#highest.version),
    };
  }

  #isWhole(lines: number): true {
    if (lines !== this.#lines) {
      throw new CommandFailed(`The export had ${lines} lines, and the file has ${this.#lines}.${LEFT}`);
    }
    return true;
  }
}

const LEFT = ' The store is not to be used; import it --again.';

function parsed(text: string, number: number): ExportLine {
  try {
    return parseLine(text);
  } catch (error) {
    throw new CommandFailed(
      `Line ${number}: ${messageOf(error)}.${number > 1 ? LEFT : ' Nothing was done.'}`,
    );
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input: NodeJS.ReadableStream = file === '-' ? process.stdin : createReadStream(file);
  let failure: unknown;
  input.once('error', (error) => {
    failure = error;
    lines.close();
  });
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  yield* lines;
  if (failure) failRead(file, failure);
}

function failRead(file: string, error: unknown): never {
  throw new CommandFailed(`${file} cannot be read: ${messageOf(error)}`);
}

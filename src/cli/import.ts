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
import { type CommitId, commitText, parseCommit } from '../store/commit-id.js';
import type { ActorStore } from '../store/contract.js';
import type { ShardFence } from '../store/shard-fence.js';
import { SIZE_ID } from '../store/store-ids.js';
import { placeOf } from '../store/store-place.js';
import { ImportBatch } from './import-batch.js';
import { becomeOwnerOf, withStore } from './open-store.js';
import { randomId, signature } from './take-store.js';
import { emptyStore, isUnfinished, UNFINISHED } from './unfinished-import.js';
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
    const stored = await emptyFenceOf(store, placeOf(place), values.again);
    const lines = linesOf(file);
    const { commit, changes } = await new Import(store, stored).run(lines);
    console.log(JSON.stringify({ store: placeOf(place), commit, entries: changes }));
  });
  return 0;
}

/** @throws CommandFailed when the store holds anything that may not be removed. */
async function emptyFenceOf(
  store: ActorStore,
  place: string,
  again: boolean,
): Promise<ShardFence | undefined> {
  const stored = await store.fence();
  if (stored && !isUnfinished(stored)) {
    throw new CommandFailed(`${place} is not empty: it holds commit ${nameOf(stored)}. Nothing was done.`);
  }
  if (stored && !again) throw new CommandFailed(`${place}: ${stored.halted}. Nothing was done.`);
  if (stored) return emptyStore(store, stored);
  const { entries } = await store.scan('', undefined, 1);
  if (entries.length > 0)
    throw new CommandFailed(`${place} is not empty: it holds actors. Nothing was done.`);
  return undefined;
}

class Import {
  readonly #store: ActorStore;
  #fence: ShardFence | undefined;
  #batch = new ImportBatch();
  #highest: CommitId = { epoch: 0, version: 0 };
  #lines = 0;
  #recordBytes = 0;

  constructor(store: ActorStore, stored: ShardFence | undefined) {
    this.#store = store;
    this.#fence = stored;
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
    await this.#commit(
      {
        store: randomId(),
        epoch: Math.max(this.#highest.epoch + EPOCHS, (this.#fence?.epoch ?? 0) + 1),
        version: 0,
        halted: UNFINISHED,
        clock: line.clock,
        served: line.served,
        ...signature('import'),
      },
      [],
    );
  }

  async #take(line: ExportLine, number: number): Promise<void> {
    if (line.kind !== 'entry') throw new CommandFailed(`Line ${number} is a second header.${LEFT}`);
    this.#lines += 1;
    if (line.commit) this.#note(line.commit);
    this.#batch.add(line.change);
    if (this.#batch.full) await this.#flush();
  }

  async #flush(): Promise<void> {
    const { changes, growth } = await this.#batch.seal(this.#store);
    this.#recordBytes += growth;
    this.#batch = this.#batch.next();
    await this.#commit({ ...this.#held, renewal: this.#held.renewal + 1 }, changes);
  }

  /** The last commit takes the halted mark away. */
  async #finish(): Promise<{ commit: string; changes: number }> {
    await this.#flush();
    for (const changes of this.#batch.leftovers()) {
      await this.#commit({ ...this.#held, renewal: this.#held.renewal + 1 }, changes);
    }
    const version = this.#highest.version + 1;
    const size = { id: SIZE_ID, text: `${this.#recordBytes}` };
    await this.#commit({ ...this.#held, version, group: randomId(), renewal: 0, halted: '' }, [size]);
    return { commit: nameOf(this.#held), changes: this.#lines };
  }

  get #held(): ShardFence {
    if (!this.#fence) throw new Error('the import has not begun');
    return this.#fence;
  }

  async #commit(next: ShardFence, changes: Parameters<ActorStore['commit']>[2]): Promise<void> {
    if ((await this.#store.commit(this.#fence, next, changes)) !== 'swapped') {
      throw new CommandFailed('Another process has taken the store. The import was given up.');
    }
    this.#fence = next;
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

function nameOf({ epoch, version }: ShardFence): string {
  return commitText(epoch, version);
}

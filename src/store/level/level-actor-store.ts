/**
 * The embedded store: a LevelDB database in a folder that this process has locked. Each commit is one synced batch, written on a thread of
 * libuv's pool, so the owner goes on meanwhile. Owner thread only.
 *
 *   fence                     the fence
 *   state/{actor}/{key}       the stored text of an actor
 *   record/…, window/…, size  texts of the runtime, whose ids begin with a tilde
 *
 * Commits and reads of the fence run one at a time, in order. So when a caller has given up on a slow commit and reads the fence, that commit is
 * over, and its outcome is known. After a failed write LevelDB refuses all further writes: the database is closed, and the next call opens it
 * again.
 */
import { setImmediate } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Entry, Loaded, Part, Scanned } from '../contract.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';
import { isState } from '../store-ids.js';
import { folderError, heldByAnother, prepareFolder, signFolder, unsignFolder } from './data-folder.js';
import { LateChecks } from './late-checks.js';
import { checkFiles, levelFolderIn } from './level-files.js';
import { rawParts } from './level-image.js';
import type { Table } from './manifest.js';

const FENCE_KEY = 'fence';
const STATE_PREFIX = 'state/';
const IMAGE_PREFIXES = ['window/', STATE_PREFIX, 'record/'];
/** About how much of a listing is read in one event-loop iteration. */
const SCAN_BYTES = 64 << 10;
const WRITE_BUFFER_BYTES = 4 << 20;
const CACHE_BYTES = 8 << 20;
/**
 * After this time of reading, the event loop runs before the next read. A read takes one or two microseconds, less than handing it to another
 * thread. Only a cold disk takes longer.
 */
const SLICE_MS = 2;
/** How much of the tables is checked before the database is opened. That takes a tenth of a second, on a busy machine half a second. */
const CHECKED_BYTES = 64 << 20;

interface OpenDatabase {
  readonly level: ClassicLevel;
  /** The text of the stored fence. Only this process can change it. */
  text: string | undefined;
  /** The decoded fence; undefined until it is needed. */
  fence: ShardFence | undefined;
  readonly checks: LateChecks;
}

export class LevelActorStore implements ActorStore {
  readonly shared = false;
  readonly awaitsReplicas = false;
  readonly connection = 0;
  readonly #folder: string;
  readonly #checkedBytes: number;
  #database: OpenDatabase | undefined;
  #opening: Promise<OpenDatabase> | undefined;
  #lastCall: Promise<unknown> = Promise.resolve();

  /**
   * @param folder the data folder; made if it is missing.
   * @param checkedBytes bound on the tables that are checked before the database is opened.
   */
  constructor(folder: string, checkedBytes = CHECKED_BYTES) {
    this.#folder = folder;
    this.#checkedBytes = checkedBytes;
  }

  fence(): Promise<ShardFence | undefined> {
    return this.#inTurn(async () => {
      const database = await this.#open();
      database.checks.assertIntact();
      return fenceOf(database);
    });
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    const database = await this.#open();
    const { level, checks } = database;
    const keys = ids.map(keyOf);
    checks.beforeRead(keys);
    try {
      const texts: (string | undefined)[] = [];
      let bytes = 0;
      let since = performance.now();
      for (const key of keys) {
        const text = level.getSync(key);
        texts.push(text);
        bytes += text?.length ?? 0;
        if (bytes >= limitBytes) break;
        if (performance.now() - since < SLICE_MS) continue;
        await setImmediate();
        since = performance.now();
      }
      return { fence: fenceOf(database), texts };
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    const { level, checks } = await this.#open();
    const begin = keyOf(prefix);
    const from = after === undefined ? { gte: begin } : { gt: keyOf(after) };
    const iterator = level.iterator({ ...from, highWaterMarkBytes: SCAN_BYTES });
    try {
      const found = await iterator.nextv(limit);
      const entries: Entry[] = [];
      for (const [key, text] of found) if (key.startsWith(begin)) entries.push({ id: idOf(key), text });
      const last = found.at(-1)?.[0];
      checks.beforeUse(begin, last ?? begin);
      return { entries, next: last?.startsWith(begin) ? idOf(last) : undefined };
    } catch (error) {
      throw this.#errorOf(error);
    } finally {
      await iterator.close();
    }
  }

  async *image(): AsyncGenerator<Part> {
    const source = await this.#open();
    try {
      let fence: ShardFence | undefined;
      for await (const { fence: text, found } of rawParts(source, FENCE_KEY, IMAGE_PREFIXES)) {
        if (text !== undefined) fence ??= decodeFence(text);
        yield { fence, entries: found.map(([key, state]) => ({ id: idOf(key), text: state })) };
      }
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    return this.#inTurn(() => this.#commit(expected, next, changes));
  }

  async predecessor(): Promise<undefined> {
    return undefined;
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#lastCall.then(call);
    this.#lastCall = result.catch(() => {});
    return result;
  }

  async #commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    const database = this.#database ?? (await this.#open());
    database.checks.assertIntact();
    if (database.text !== (expected && encodeFence(expected))) return 'changed';
    const text = encodeFence(next);
    const batch = database.level.batch();
    for (const { id, text: state } of changes) {
      if (state === undefined) batch.del(keyOf(id));
      else batch.put(keyOf(id), state);
    }
    batch.put(FENCE_KEY, text);
    try {
      await batch.write({ sync: true });
    } catch (error) {
      await this.#close();
      throw this.#errorOf(error);
    }
    database.text = text;
    database.fence = next;
    return 'swapped';
  }

  async #close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (!database) return;
    database.checks.stop();
    unsignFolder(this.#folder);
    await database.level.close();
  }

  #open(): Promise<OpenDatabase> {
    if (this.#database) return Promise.resolve(this.#database);
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNow(): Promise<OpenDatabase> {
    prepareFolder(this.#folder);
    const path = levelFolderIn(this.#folder);
    let left: Map<string, Table>;
    try {
      left = checkFiles(path, this.#checkedBytes);
    } catch (error) {
      throw error instanceof WarrenError ? error : folderError(this.#folder, path, error);
    }
    const level = new ClassicLevel(path, {
      // The checks of tables read no compressed blocks.
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
      cacheSize: CACHE_BYTES,
    });
    try {
      await level.open();
      signFolder(this.#folder);
      const checks = new LateChecks(path, left);
      checks.beforeRead([FENCE_KEY]);
      this.#database = { level, text: await this.#fenceIn(level), fence: undefined, checks };
      return this.#database;
    } catch (error) {
      await level.close().catch(() => {});
      throw error instanceof WarrenError ? error : this.#errorOf(error);
    }
  }

  async #fenceIn(level: ClassicLevel): Promise<string | undefined> {
    const fence = await level.get(FENCE_KEY);
    if (fence !== undefined) return fence;
    const [key] = await level.keys({ limit: 1 }).all();
    if (key === undefined) return undefined;
    throw new WarrenError(
      'store-foreign',
      `${levelFolderIn(this.#folder)} holds ${JSON.stringify(key)}, and no fence of ours. Nothing was changed.`,
    );
  }

  /** Turns an error of the library into a `WarrenError`. When an open fails, the library gives the reason as the cause. */
  #errorOf(error: unknown): WarrenError {
    if (error instanceof WarrenError) return error;
    const cause = error instanceof Error && error.cause ? error.cause : error;
    const { code } = cause as { code?: string };
    if (code === 'LEVEL_LOCKED') return heldByAnother(this.#folder, cause);
    const what = `${levelFolderIn(this.#folder)}: ${messageOf(cause)}`;
    return new WarrenError(code === 'LEVEL_CORRUPTION' ? 'store-corrupt' : 'store-unreachable', what, {
      cause,
    });
  }
}

function keyOf(id: string): string {
  return isState(id) ? STATE_PREFIX + id : id.slice(1);
}

function idOf(key: string): string {
  return key.startsWith(STATE_PREFIX) ? key.slice(STATE_PREFIX.length) : `~${key}`;
}

function fenceOf(database: OpenDatabase): ShardFence | undefined {
  const { text } = database;
  if (text !== undefined) database.fence ??= decodeFence(text);
  return database.fence;
}

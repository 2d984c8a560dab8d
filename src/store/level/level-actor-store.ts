/**
 * The embedded store: a LevelDB database in a folder, of which this process has the lock. On the owner thread. Each commit is one synced batch,
 * written on a thread of libuv's pool, so the owner goes on meanwhile.
 *
 *   fence                the fence
 *   state/{actor}/{key}  the stored text of an actor
 *
 * After a write that failed LevelDB refuses all others: the database is closed, and the next call opens it again.
 */
import { ClassicLevel } from 'classic-level';
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Loaded } from '../contract.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';
import { folderError, heldByAnother, prepareFolder, signFolder, unsignFolder } from './data-folder.js';
import { checkFiles, levelFolderIn } from './level-files.js';

const FENCE_KEY = 'fence';
const STATE_PREFIX = 'state/';
const WRITE_BUFFER_BYTES = 4 << 20;
const CACHE_BYTES = 8 << 20;

interface OpenDatabase {
  readonly level: ClassicLevel;
  /** The text of the stored fence. Nobody else can change it. */
  fence: string | undefined;
}

export class LevelActorStore implements ActorStore {
  readonly shared = false;
  readonly connection = 0;
  readonly #folder: string;
  #database: OpenDatabase | undefined;
  #opening: Promise<OpenDatabase> | undefined;

  /** @param folder the data folder; made if it is missing. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async fence(): Promise<ShardFence | undefined> {
    const { fence } = await this.#open();
    return fence === undefined ? undefined : decodeFence(fence);
  }

  async load(ids: readonly string[]): Promise<Loaded> {
    const { level } = await this.#open();
    const fence = await this.fence();
    try {
      return { fence, texts: await level.getMany(ids.map((id) => STATE_PREFIX + id)) };
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    const database = this.#database ?? (await this.#open());
    if (database.fence !== (expected && encodeFence(expected))) return 'changed';
    const fence = encodeFence(next);
    const batch = database.level.batch();
    for (const { id, text } of changes) {
      if (text === undefined) batch.del(STATE_PREFIX + id);
      else batch.put(STATE_PREFIX + id, text);
    }
    batch.put(FENCE_KEY, fence);
    try {
      await batch.write({ sync: true });
    } catch (error) {
      await this.close();
      throw this.#errorOf(error);
    }
    database.fence = fence;
    return 'swapped';
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (!database) return;
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
    try {
      checkFiles(path);
    } catch (error) {
      throw error instanceof WarrenError ? error : folderError(this.#folder, path, error);
    }
    const level = new ClassicLevel(path, { writeBufferSize: WRITE_BUFFER_BYTES, cacheSize: CACHE_BYTES });
    try {
      await level.open();
      signFolder(this.#folder);
      this.#database = { level, fence: await level.get(FENCE_KEY) };
      return this.#database;
    } catch (error) {
      await level.close().catch(() => {});
      throw this.#errorOf(error);
    }
  }

  /** The library reports an open that failed with its reason as the cause. */
  #errorOf(error: unknown): WarrenError {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    const { code } = cause as { code?: string };
    if (code === 'LEVEL_LOCKED') return heldByAnother(this.#folder, cause);
    const what = `${levelFolderIn(this.#folder)}: ${messageOf(cause)}`;
    return new WarrenError(code === 'LEVEL_CORRUPTION' ? 'store-corrupt' : 'store-unreachable', what, {
      cause,
    });
  }
}

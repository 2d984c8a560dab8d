/**
 * The default store: a LevelDB database in a folder, of which this process has the lock. On the owner thread; each commit is one synced write,
 * which runs on a thread of libuv's pool meanwhile.
 *
 * One call at a time, in order: a commit that takes longer than its caller waits is over before the next call begins, so what that one finds
 * is settled. After a write that failed LevelDB refuses all others, so the database is closed, and the next call opens it anew.
 */
import { ClassicLevel } from 'classic-level';
import { messageOf, WarrenError } from '../../errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../checkpoint.js';
import type { CommitOutcome, Store } from '../store.js';
import { folderError, heldByAnother, prepareFolder, signFolder, unsignFolder } from './data-folder.js';
import { checkFiles, levelFolderIn } from './level-files.js';

/** The one record today. States will stand beside it, under `state/`. */
export const FENCE_KEY = 'fence';

/** Bounds the log, and so the time that a start takes to read it again. Half a second of commits, or more. */
const WRITE_BUFFER_BYTES = 1024 * 1024;

interface OpenDatabase {
  readonly level: ClassicLevel;
  /** What it holds. Nobody else can change it. */
  fence: string | undefined;
}

export class LevelStore implements Store {
  readonly leaseMs = undefined;
  readonly #actor: string;
  readonly #folder: string;
  #database: OpenDatabase | undefined;
  #lastCall: Promise<unknown> = Promise.resolve();

  /** @param folder made if it is missing. */
  constructor(actor: string, folder: string) {
    this.#actor = actor;
    this.#folder = folder;
  }

  load(): Promise<Checkpoint | undefined> {
    return this.#inTurn(async () => {
      const { fence } = await this.#open();
      return fence === undefined ? undefined : decodeCheckpoint(this.#actor, fence);
    });
  }

  commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    return this.#inTurn(async () => {
      const database = await this.#open();
      if (database.fence !== (expected && encodeCheckpoint(this.#actor, expected))) return 'changed';
      const fence = encodeCheckpoint(this.#actor, next);
      try {
        await database.level.batch([{ type: 'put', key: FENCE_KEY, value: fence }], { sync: true });
      } catch (error) {
        // What is stored now, the next look will tell.
        await this.#close();
        throw this.#errorOf(error);
      }
      database.fence = fence;
      return 'swapped';
    });
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

  async #open(): Promise<OpenDatabase> {
    if (this.#database) return this.#database;
    prepareFolder(this.#folder);
    const path = levelFolderIn(this.#folder);
    try {
      checkFiles(path);
    } catch (error) {
      throw error instanceof WarrenError ? error : folderError(this.#folder, path, error);
    }
    const level = new ClassicLevel(path, { compression: false, writeBufferSize: WRITE_BUFFER_BYTES });
    try {
      await level.open();
      signFolder(this.#folder);
      this.#database = { level, fence: await this.#fenceIn(level) };
      return this.#database;
    } catch (error) {
      await level.close();
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
      `${levelFolderIn(this.#folder)} holds ${JSON.stringify(key)}, and no record of ours. Nothing was changed.`,
    );
  }

  async #close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (!database) return;
    unsignFolder(this.#folder);
    await database.level.close();
  }

  /** The library reports an open that failed with its reason as the cause. */
  #errorOf(error: unknown): WarrenError {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    const code = (cause as { code?: string }).code;
    const reason = messageOf(cause);
    if (code === 'LEVEL_LOCKED') return heldByAnother(this.#folder, cause);
    const what = `${levelFolderIn(this.#folder)}: ${reason}`;
    if (code === 'LEVEL_CORRUPTION') return new WarrenError('store-corrupt', what, { cause });
    return new WarrenError('store-unreachable', what, { cause });
  }
}

/**
 * The default store: one record in an LMDB file, written and synced to disk in one transaction per commit.
 *
 * Runs on the owner thread and blocks it for the length of one disk sync. That is deliberate: messages that arrive
 * meanwhile gather in the port and make the next group, and a commit is never half-way when the thread is ended.
 * `FolderLock` keeps a second process away from the folder.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { messageOf, WarrenError } from '../errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { inspectLmdbFile, LMDB_FILE } from './lmdb-file.js';
import type { CommitOutcome, Store } from './store.js';

export class LmdbStore implements Store {
  readonly leaseMs = undefined;
  readonly #actor: string;
  readonly #folder: string;
  readonly #uninterrupted: <T>(call: () => T) => T;
  #database: RootDatabase<string, string> | undefined;

  /**
   * @param folder made if it is missing.
   * @param uninterrupted runs every native call, where the thread may be ended from outside.
   */
  constructor(actor: string, folder: string, uninterrupted = <T>(call: () => T): T => call()) {
    this.#actor = actor;
    this.#folder = folder;
    this.#uninterrupted = uninterrupted;
  }

  async load(): Promise<Checkpoint | undefined> {
    const database = this.#open();
    const text = this.#reached(() => database.get(this.#actor));
    if (text !== undefined) return decodeCheckpoint(this.#actor, text);
    // A page whose keys are spoiled must not pass for a fresh store.
    const { entryCount } = this.#reached(() => database.getStats() as { entryCount: number });
    if (entryCount === 0) return undefined;
    throw new WarrenError(
      'store-corrupt',
      `${join(this.#folder, LMDB_FILE)} has ${entryCount} records, and none under "${this.#actor}". Nothing was changed; ` +
        'restore the file or move it away.',
    );
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    const known = expected && encodeCheckpoint(this.#actor, expected);
    const text = encodeCheckpoint(this.#actor, next);
    const database = this.#open();
    return this.#reached(() =>
      database.transactionSync(() => {
        if (database.get(this.#actor) !== known) return 'changed';
        database.putSync(this.#actor, text);
        return 'swapped';
      }),
    );
  }

  async predecessor(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
  }

  #open(): RootDatabase<string, string> {
    this.#database ??= this.#reached(() => {
      mkdirSync(this.#folder, { recursive: true });
      const path = join(this.#folder, LMDB_FILE);
      inspectLmdbFile(path, this.#actor);
      return open<string, string>({
        path,
        encoding: 'string',
        noSubdir: true,
        // With overlapping syncs a transaction would count as done before its bytes are on the disk.
        overlappingSync: false,
      });
    });
    return this.#database;
  }

  #reached<T>(access: () => T): T {
    try {
      return this.#uninterrupted(access);
    } catch (cause) {
      if (cause instanceof WarrenError) throw cause;
      const why = messageOf(cause);
      if (/MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC)|not an LMDB file/i.test(why)) {
        throw new WarrenError('store-corrupt', `${join(this.#folder, LMDB_FILE)} cannot be read: ${why}`, {
          cause,
        });
      }
      throw new WarrenError('store-unreachable', `${join(this.#folder, LMDB_FILE)}: ${why}`, { cause });
    }
  }
}

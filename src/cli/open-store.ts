/**
 * Opens the store that the environment names, for a command: to read it, also beside a running server, or to write to it while no server runs.
 *
 * A data folder is read from a copy, since a running server holds its lock. Files that a command writes there belong to the folder's owner, also when
 * root runs the command: the server could not use files of root.
 */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { messageOf, WarrenError } from '../errors.js';
import { type Shards, shardsOf } from '../store/all-shards.js';
import { copyDatabase } from '../store/level/level-copy.js';
import { filesIn, levelFolderIn } from '../store/level/level-files.js';
import { openStore, type StoreConfig } from '../store/open-actor-store.js';
import { withTemporary } from './temporary-folder.js';
import { CommandFailed } from './usage.js';

export async function withStoreToRead<T>(config: Config, use: (store: Shards) => Promise<T>): Promise<T> {
  const { store } = config;
  if (store.kind !== 'level') return withStore(config, store, use);
  return withTemporary(join(tmpdir(), `warren-read-${randomUUID()}`), (copy) =>
    withCopy(config, store.folder, copy, use),
  );
}

/** Copies the database of a folder, opens the copy, and so proves it. */
export async function withCopy<T>(
  config: Config,
  folder: string,
  copy: string,
  use: (store: Shards) => Promise<T>,
): Promise<T> {
  try {
    if (!(await copyDatabase(folder, copy))) throw noStore(folder);
  } catch (error) {
    throw failedOn(folder, error);
  }
  return withStore(config, { kind: 'level', folder: copy }, use);
}

/** A store that is there already. */
export function withStoreToWrite<T>(config: Config, use: (store: Shards) => Promise<T>): Promise<T> {
  const { store: place } = config;
  if (place.kind === 'level') {
    if (!readable(place.folder, () => filesIn(levelFolderIn(place.folder)))) throw noStore(place.folder);
    becomeOwnerOf(place.folder);
  }
  return withStore(config, place, use);
}

/** In it nothing has to be yet. */
export async function withStore<T>(
  { commitTimeoutMs, shards }: Config,
  place: StoreConfig,
  use: (store: Shards) => Promise<T>,
): Promise<T> {
  if (place.kind === 'memory') throw new CommandFailed('A memory store holds nothing between two processes.');
  const store = await openStore(place, { timeoutMs: commitTimeoutMs });
  try {
    return await use(await shardsOf(store, shards));
  } catch (error) {
    if (error instanceof WarrenError) throw new CommandFailed(error.message);
    throw error;
  } finally {
    await store.close();
  }
}

/** From here on root does everything as the folder's owner. */
export function becomeOwnerOf(folder: string): void {
  const { uid, gid } = statSync(folder);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  process.setegid?.(gid);
  process.seteuid?.(uid);
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

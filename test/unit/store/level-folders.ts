/** Data folders with LevelDB databases in them, for tests. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Test } from 'tap';
import { LevelActorStore } from '../../../src/store/level/level-actor-store.js';
import { copyDatabase } from '../../../src/store/level/level-copy.js';
import { levelFolderIn } from '../../../src/store/level/level-files.js';
import { fenceOf } from './store-contract.js';

/** Not made yet; its parent is. */
export function folderOf(t: Test): string {
  const parent = mkdtempSync(join(tmpdir(), 'warren-level-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'data');
}

/** Commits the versions from one to another, and closes the store; its last commits are in a log then. */
export async function commitAll(folder: string, from: number, to: number): Promise<void> {
  const store = new LevelActorStore(folder);
  for (let version = from; version <= to; version++) {
    await store.commit(version > 1 ? fenceOf(version - 1) : undefined, fenceOf(version), []);
  }
  await store.close();
}

/** The record of a folder whose database may be open, read from a copy. */
export async function rawRead(t: Test, folder: string): Promise<string | undefined> {
  const copy = folderOf(t);
  if (!(await copyDatabase(folder, copy))) return undefined;
  return rawUse(copy, (level) => level.get('fence'));
}

/** Opens the database with the library alone. */
export async function rawUse<T>(folder: string, use: (level: ClassicLevel) => Promise<T>): Promise<T> {
  const level = new ClassicLevel(levelFolderIn(folder));
  await level.open();
  try {
    return await use(level);
  } finally {
    await level.close();
  }
}

export function cloneOf(t: Test, folder: string): string {
  const clone = folderOf(t);
  cpSync(folder, clone, { recursive: true });
  return clone;
}

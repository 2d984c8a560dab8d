/**
 * Lists the files of the database in a data folder, and checks that they are intact. It only reads them, also while a server uses them.
 *
 *   DATA_DIR/level/   CURRENT names MANIFEST-…, which names the tables ….ldb and the first of the logs ….log
 *                     LOCK and LOG are LevelDB's own. LOCK must never be opened by us: closing it would free the lock
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WarrenError } from '../../errors.js';
import { Damage } from './damage.js';
import { FileMemory } from './file-memory.js';
import { readLog } from './log-file.js';
import { readManifest, type Table } from './manifest.js';
import { checkTable } from './table-file.js';

/** The folder of the database in a data folder. */
export function levelFolderIn(dataFolder: string): string {
  return join(dataFolder, 'level');
}

/** What the database consists of, besides CURRENT. */
export interface LevelFiles {
  /** The bytes when it was read; the file may have grown since. */
  readonly manifest: { readonly name: string; readonly bytes: Buffer };
  /** By name, the newest first. */
  readonly tables: ReadonlyMap<string, Table>;
  /** Names, the oldest first. */
  readonly logs: readonly string[];
}

/**
 * @returns undefined when nothing was ever stored.
 * @throws WarrenError `store-corrupt` when a file is missing or cannot be understood; a file system's own errors.
 */
export function filesIn(folder: string): LevelFiles | undefined {
  const current = join(folder, 'CURRENT');
  const name = ifThere(() => readFileSync(current, 'latin1').trimEnd());
  if (name === undefined) {
    const left = ifThere(() => readdirSync(folder))?.find((file) => /\.(log|ldb|sst)$/.test(file));
    if (left === undefined) return undefined;
    throw corrupt(join(folder, left), 'CURRENT, which belongs to it, is missing');
  }
  if (!/^MANIFEST-\d+$/.test(name)) throw corrupt(current, 'it names no manifest');
  const { bytes, tables, firstLog } = intact(join(folder, name), (file) => ({
    bytes: file,
    ...readManifest(file),
  }));
  // Listed after reading the manifest: logs that are newer than the manifest belong to the database.
  const names = readdirSync(folder);
  const logs = names
    .filter((name) => /^\d+\.log$/.test(name) && Number.parseInt(name, 10) >= firstLog)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const first = fileName(firstLog, 'log');
  if (firstLog > 0 && logs[0] !== first) throw corrupt(join(folder, first), 'it is missing');
  return {
    manifest: { name, bytes },
    tables: new Map(
      [...tables].sort(([a], [b]) => b - a).map(([number, table]) => [tableName(number, names), table]),
    ),
    logs,
  };
}

/**
 * Checks the logs, and tables up to a number of bytes.
 *
 * @param tableBytes how many bytes of tables to check, the newest ones first.
 * @returns the tables that were not checked.
 * @throws WarrenError `store-corrupt` when stored data may be lost or changed.
 */
export function checkFiles(folder: string, tableBytes = Number.POSITIVE_INFINITY): Map<string, Table> {
  const files = filesIn(folder);
  const left = new Map(files?.tables);
  for (const log of files?.logs ?? []) intact(join(folder, log), readLog);
  const memory = new FileMemory();
  let bytes = 0;
  for (const [name, table] of files?.tables ?? []) {
    bytes += table.bytes;
    if (bytes > tableBytes) break;
    checkTableFile(folder, name, table, memory);
    left.delete(name);
  }
  return left;
}

/** @throws WarrenError `store-corrupt` */
export function checkTableFile(folder: string, name: string, { bytes }: Table, memory: FileMemory): void {
  intact(
    join(folder, name),
    (file) => checkTable(file, bytes),
    (path) => memory.read(path),
  );
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function intact<T>(
  path: string,
  check: (file: Buffer) => T,
  read: (path: string) => Buffer = readFileSync,
): T {
  try {
    return check(read(path));
  } catch (error) {
    if (error instanceof Damage) throw corrupt(path, error.message);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw corrupt(path, 'it is missing');
    throw error;
  }
}

function tableName(number: number, names: readonly string[]): string {
  const old = fileName(number, 'sst');
  return names.includes(old) ? old : fileName(number, 'ldb');
}

function fileName(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`;
}

function corrupt(path: string, why: string): WarrenError {
  return new WarrenError(
    'store-corrupt',
    `${path} is damaged: ${why}. Nothing was changed; restore a backup, or move the folder away.`,
  );
}

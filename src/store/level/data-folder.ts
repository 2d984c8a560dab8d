/**
 * The folder of the LevelDB store, before and after the database is opened. It must exist, be writable, and not hold the format of an older version. LevelDB's own
 * lock protects it and ends with the process. A small file beside it names the process that has the lock; only error messages use that file.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { WarrenError } from '../../errors.js';
import { levelFolderIn } from './level-files.js';

const HOLDER = 'holder.json';
const OLD_STORE = 'warren.mdb';
/** System errors that stay until an operator changes something. */
const UNUSABLE: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it is no folder',
  ELOOP: 'the path has a loop of links',
  ENAMETOOLONG: 'the path is too long',
};

/**
 * Makes the folder if it is missing.
 *
 * @throws WarrenError `folder-unusable`, `store-foreign`, or `store-unreachable` for what may pass, such as a full disk.
 */
export function prepareFolder(folder: string): void {
  if (existsSync(join(folder, OLD_STORE))) {
    throw new WarrenError(
      'store-foreign',
      `${join(folder, OLD_STORE)} is the LMDB store of an older version, which this one cannot read. Nothing was changed: let that ` +
        'version print its index (warren inspect), move the file away, and set the index here (warren set-index).',
    );
  }
  const database = levelFolderIn(folder);
  let path = database;
  try {
    makeFolder(resolve(database));
    const { R_OK, W_OK, X_OK } = constants;
    path = folder;
    accessSync(path, R_OK | X_OK);
    path = database;
    accessSync(path, R_OK | W_OK | X_OK);
    for (const name of readdirSync(database)) {
      path = join(database, name);
      accessSync(path, name === 'LOCK' ? R_OK | W_OK : R_OK);
    }
  } catch (error) {
    throw folderError(folder, path, error);
  }
}

/** Makes the folder and its parents. Node's `recursive` option reports a missing folder when the file system is read-only. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    mkdirSync(path);
  }
}

/** The error for a failed system call on the folder. */
export function folderError(folder: string, path: string, cause: unknown): WarrenError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const reason = UNUSABLE[code];
  if (reason === undefined) return new WarrenError('store-unreachable', `${path}: ${message}`, { cause });
  return new WarrenError('folder-unusable', `${path}: ${reason}. ${cureOf(code, folder)}`, { cause });
}

function cureOf(code: string, folder: string): string {
  if (code === 'EACCES' || code === 'EPERM') {
    const user = process.geteuid?.() ?? 'this user';
    return `This process runs as user ${user}, and all in the folder must be its own: chown -R ${user} ${folder}`;
  }
  if (code === 'EROFS') return `Mount it for writing, or let DATA_DIR name another folder than ${folder}.`;
  return `Let DATA_DIR name a folder, which ${folder} is not.`;
}

/** Writes into the folder that this process holds the lock. */
export function signFolder(folder: string): void {
  const word = { host: hostname(), pid: process.pid, since: new Date().toISOString() };
  try {
    // Remove the old file first: on a full disk only that works, and a wrong name would be worse than none.
    rmSync(join(folder, HOLDER), { force: true });
    writeFileSync(join(folder, HOLDER), `${JSON.stringify(word)}\n`);
  } catch {
    // Without this file, error messages say less.
  }
}

export function unsignFolder(folder: string): void {
  try {
    rmSync(join(folder, HOLDER), { force: true });
  } catch {
    // As above.
  }
}

/** The error when another process holds the lock. */
export function heldByAnother(folder: string, cause?: unknown): WarrenError {
  return new WarrenError(
    'folder-in-use',
    `another process serves from ${folder}${holderOf(folder)}; it must stop first`,
    { cause },
  );
}

function holderOf(folder: string): string {
  try {
    const { host, pid, since } = JSON.parse(readFileSync(join(folder, HOLDER), 'utf8'));
    const own = host === hostname() && pid === process.pid;
    return own ? ', this one itself' : `: process ${pid} on host ${host}, since ${since}`;
  } catch {
    return '';
  }
}

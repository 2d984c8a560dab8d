/**
 * Copies the database of a data folder, also while a server writes to it. Nothing in the folder is locked or changed.
 *
 * Tables do not change once the manifest names them. The manifest and the logs only grow, so a copy of them is what a power cut would leave.
 * The copy has everything that was synced before it began. When the server replaces files meanwhile, the copy starts again.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WarrenError } from '../../errors.js';
import { checkFiles, filesIn, levelFolderIn } from './level-files.js';

const ATTEMPTS = 20;
const PAUSE_MS = 10;

/**
 * @param from the data folder to copy.
 * @param to a data folder without a database.
 * @returns false when `from` has no database.
 * @throws WarrenError `store-corrupt`; a file system's own errors.
 */
export async function copyDatabase(from: string, to: string): Promise<boolean> {
  const target = levelFolderIn(to);
  for (let attempt = 1; ; attempt++) {
    try {
      return copyFiles(levelFolderIn(from), target);
    } catch (error) {
      rmSync(target, { recursive: true, force: true });
      if (attempt === ATTEMPTS || !mayPass(error)) throw error;
    }
    await delay(PAUSE_MS);
  }
}

/** A file that is missing or does not fit the others may have been replaced while the copy was made. */
function mayPass(error: unknown): boolean {
  return error instanceof WarrenError || (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function copyFiles(from: string, to: string): boolean {
  const files = filesIn(from);
  if (!files) return false;
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, 'CURRENT'), `${files.manifest.name}\n`);
  writeFileSync(join(to, files.manifest.name), files.manifest.bytes);
  for (const name of [...files.tables.keys(), ...files.logs]) copyFileSync(join(from, name), join(to, name));
  checkFiles(to);
  return true;
}

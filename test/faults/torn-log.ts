/**
 * What a power cut may do to the newest log of a database: of the write that was under way a part is there, or room for it
 * that holds zeros or old bytes. What was synced before is whole.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { levelFolderIn } from '../../src/store/level/level-files.js';
import { readLog } from '../../src/store/level/log-file.js';
import type { SeededRandom } from '../support/seeded-random.js';

const SECTOR_BYTES = 512;

/** Of a data folder. */
export function newestLog(folder: string): string {
  const names = readdirSync(levelFolderIn(folder)).filter((name) => name.endsWith('.log'));
  return join(levelFolderIn(folder), names.sort().at(-1) as string);
}

/** The bytes of a log, torn in each way; the last write in it counts as not synced. */
export function torn(log: Buffer, random: SeededRandom): Map<string, Buffer> {
  const from = lastRecord(log);
  const cut = random.between(from, log.length - 1);
  const sector = Math.max(from, Math.floor(cut / SECTOR_BYTES) * SECTOR_BYTES);
  return new Map([
    ['not there', log.subarray(0, from)],
    ['cut off', log.subarray(0, cut)],
    ['zeros', overwritten(log, from, 0)],
    ['zeros from a sector on', overwritten(log, sector, 0)],
    ['room for more, of zeros', Buffer.concat([log, Buffer.alloc(2 * SECTOR_BYTES)])],
    ['old bytes', overwritten(log, from, 0x5a)],
  ]);
}

export function tear(folder: string, bytes: Buffer): void {
  writeFileSync(newestLog(folder), bytes);
}

/** Where the last whole record begins. */
function lastRecord(log: Buffer): number {
  const count = readLog(log).length;
  let from = log.length;
  while (from > 0 && readLog(log.subarray(0, from)).length >= count) from -= 1;
  let begin = from;
  while (begin > 0 && readLog(log.subarray(0, begin)).length >= count - 1) begin -= 1;
  return begin === 0 ? 0 : begin + 1;
}

function overwritten(log: Buffer, from: number, byte: number): Buffer {
  return Buffer.from(log).fill(byte, from);
}

export function logOf(folder: string): Buffer {
  return readFileSync(newestLog(folder));
}

/**
 * What a power cut may do to an LMDB file: the pages that were being written are old, new, half of each, zeroed, or not
 * there. Pages carry their number and, in lmdb-js, the transaction that wrote them.
 */
import type { SeededRandom } from '../support/seeded-random.js';

const SECTOR_BYTES = 512;
/** Offsets within a header page: page size, root of the main tree, transaction (struct MDB_meta behind a header of 24 bytes). */
const PAGE_SIZE_AT = 48;
const MAIN_ROOT_AT = 136;
const TRANSACTION_AT = 152;

export interface PageSpan {
  readonly start: number;
  readonly end: number;
}

/** The page with the newest committed record: the root of the main tree of the newer header page. */
export function newestPage(file: Buffer): PageSpan {
  const pageBytes = file.readUInt32LE(PAGE_SIZE_AT);
  const newer =
    file.readBigUInt64LE(TRANSACTION_AT) > file.readBigUInt64LE(pageBytes + TRANSACTION_AT) ? 0 : 1;
  const start = Number(file.readBigUInt64LE(newer * pageBytes + MAIN_ROOT_AT)) * pageBytes;
  return { start, end: start + pageBytes };
}

export function damage(file: Buffer, random: SeededRandom): Map<string, Buffer> {
  const pageBytes = file.readUInt32LE(PAGE_SIZE_AT);
  const { start, end } = newestPage(file);
  const torn = start + SECTOR_BYTES * random.between(1, pageBytes / SECTOR_BYTES - 1);
  const header = random.between(0, 1) * pageBytes;
  const anyPage = pageBytes * random.between(0, file.length / pageBytes - 1);
  return new Map([
    ['newest page zeroed', zeroed(file, start, end)],
    ['newest page zeroed from a sector on', zeroed(file, torn, end)],
    ['newest page zeroed up to a sector', zeroed(file, start, torn)],
    ['a header page zeroed', zeroed(file, header, header + pageBytes)],
    ['any page zeroed', zeroed(file, anyPage, anyPage + pageBytes)],
    ['last page cut off', Buffer.from(file.subarray(0, file.length - pageBytes))],
    ['cut off within a page', Buffer.from(file.subarray(0, file.length - random.between(1, pageBytes - 1)))],
    ['half of the file', Buffer.from(file.subarray(0, file.length >> 1))],
  ]);
}

function zeroed(file: Buffer, start: number, end: number): Buffer {
  return Buffer.from(file).fill(0, start, end);
}

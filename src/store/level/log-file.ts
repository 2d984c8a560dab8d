/**
 * Reads and checks a file in LevelDB's log format (its doc/log_format.md), in which logs and manifests are written. LevelDB itself skips what it
 * cannot read, and takes a damaged length for the end of the file. So without this check a flipped bit could bring an older record back.
 *
 *   file:      blocks of 32 KiB, the last one shorter
 *   block:     fragments, then less than 7 bytes of padding
 *   fragment:  u32 masked CRC-32C of type and payload | u16 length | u8 type | payload
 *
 * The file only grows, so a reader beside a running server sees a prefix of it. A power cut leaves a prefix too, perhaps followed by zeros. The
 * incomplete record at its end is called a torn tail; a synced write is never part of it. Any other error is damage.
 */
import { CRC_START, crcStep, maskedCrc, maskedCrcOf } from './crc32c.js';
import { Damage } from './damage.js';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const LENGTH_AT = 4;
const TYPE_AT = 6;

const NONE = 0;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/**
 * @returns the payloads of all records before a torn tail.
 * @throws Damage when a complete record cannot be read.
 */
export function readLog(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let begun: Buffer[] | undefined;
  for (const { type, payload } of fragmentsOf(file)) {
    const continues = type === MIDDLE || type === LAST;
    if (continues !== (begun !== undefined)) throw new Damage('a part of a record is missing');
    begun = [...(begun ?? []), payload];
    if (type === FIRST || type === MIDDLE) continue;
    records.push(begun.length === 1 ? payload : Buffer.concat(begun));
    begun = undefined;
  }
  return records;
}

interface Fragment {
  readonly type: number;
  readonly payload: Buffer;
}

function* fragmentsOf(file: Buffer): Generator<Fragment> {
  for (let block = 0; block < file.length; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, file.length);
    const last = end - block < BLOCK_BYTES;
    let at = block;
    while (at + HEADER_BYTES <= end) {
      const length = file.readUInt16LE(at + LENGTH_AT);
      const type = file[at + TYPE_AT] as number;
      const next = at + HEADER_BYTES + length;
      if (type === NONE && length === 0) {
        if (isZero(file.subarray(at))) return;
        throw new Damage(`there is no record at byte ${at}, and more behind it`);
      }
      if (type > LAST) throw new Damage(`the record at byte ${at} is of an unknown type`);
      if (next > end) {
        // In a torn tail the part that was written is correct.
        if (last && type !== NONE && !isWhole(file.subarray(at, end))) return;
        throw new Damage(`the record at byte ${at} has an impossible length`);
      }
      if (maskedCrcOf(file.subarray(at + TYPE_AT, next)) !== file.readUInt32LE(at)) {
        throw new Damage(`the record at byte ${at} does not match its checksum`);
      }
      yield { type, payload: file.subarray(at + HEADER_BYTES, next) };
      at = next;
    }
  }
}

/** Whether the checksum fits a shorter payload. Then the record is complete, and its length is damaged. */
function isWhole(fragment: Buffer): boolean {
  const stored = fragment.readUInt32LE(0);
  let register = CRC_START;
  for (const byte of fragment.subarray(TYPE_AT)) {
    register = crcStep(register, byte);
    if (maskedCrc(register) === stored) return true;
  }
  return false;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * Checks every block of a LevelDB table (its doc/table_format.md). LevelDB itself compares no checksums of tables unless it is told to, and the
 * library has no option for that. A damaged key or filter could hide the newest record, so that an older one would be read.
 *
 *   table:   data blocks | filter block | index of filters | index of data blocks | footer
 *   block:   content | u8 compression | u32 masked CRC-32C of both
 *   footer:  handle of the index of filters | handle of the index of data blocks | padding | u64 magic
 */
import { ByteReader } from './byte-reader.js';
import { maskedCrcOf } from './crc32c.js';
import { Damage } from './damage.js';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
const PLAIN = 0;

/**
 * @param bytes size of the table, as the manifest says.
 * @throws Damage when a block does not match its checksum, or cannot be found.
 */
export function checkTable(file: Buffer, bytes: number): void {
  if (file.length !== bytes) throw new Damage(`it has ${file.length} bytes instead of ${bytes}`);
  if (bytes < FOOTER_BYTES || file.readBigUInt64LE(bytes - 8) !== MAGIC) throw new Damage('it has no footer');
  const footer = new ByteReader(file.subarray(bytes - FOOTER_BYTES));
  const filters = handleIn(footer);
  const data = handleIn(footer);
  for (const index of [filters, data]) {
    for (const handle of handlesIn(blockAt(file, index))) blockAt(file, handle);
  }
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

function handleIn(reader: ByteReader): Handle {
  return { offset: reader.integer(), size: reader.integer() };
}

/** The content of a block, whose checksum it checks; undefined when the content is compressed, which Warren never writes. */
function blockAt(file: Buffer, { offset, size }: Handle): Buffer | undefined {
  const end = offset + size + 1;
  if (end + 4 > file.length - FOOTER_BYTES) throw new Damage(`it has no block at byte ${offset}`);
  if (maskedCrcOf(file.subarray(offset, end)) !== file.readUInt32LE(end)) {
    throw new Damage(`the block at byte ${offset} does not match its checksum`);
  }
  return file[end - 1] === PLAIN ? file.subarray(offset, end - 1) : undefined;
}

/** The entries of an index: shared, unshared and value length, unshared part of the key, value; then the restart points. */
function handlesIn(index: Buffer | undefined): Handle[] {
  if (!index) return [];
  const restarts = index.readUInt32LE(index.length - 4);
  const entries = new ByteReader(index.subarray(0, index.length - 4 - 4 * restarts));
  const handles: Handle[] = [];
  while (!entries.ended) {
    entries.integer();
    const keyBytes = entries.integer();
    const valueBytes = entries.integer();
    entries.bytes(keyBytes);
    handles.push(handleIn(new ByteReader(entries.bytes(valueBytes))));
  }
  return handles;
}

/**
 * Reads a LevelDB manifest. It says which files are the database: the tables with their sizes, and the first log that is not in a table yet. The
 * manifest is a log of edits (db/version_edit.cc in LevelDB), which are applied one after the other.
 */
import { ByteReader } from './byte-reader.js';
import { Damage } from './damage.js';
import { readLog } from './log-file.js';

export interface Table {
  readonly bytes: number;
  /** The first and the last key in it. */
  readonly first: Buffer;
  readonly last: Buffer;
}

export interface Manifest {
  /** By number. */
  readonly tables: ReadonlyMap<number, Table>;
  /** Logs from this number on belong to the database; 0 before there was one. */
  readonly firstLog: number;
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG_NUMBER = 9;

/** @throws Damage when the manifest cannot be read. */
export function readManifest(file: Buffer): Manifest {
  const tables = new Map<number, Table>();
  let firstLog: number | undefined;
  for (const edit of readLog(file)) {
    const fields = new ByteReader(edit);
    while (!fields.ended) {
      const field = fields.integer();
      switch (field) {
        case COMPARATOR:
          fields.bytes();
          break;
        case LOG_NUMBER:
          firstLog = fields.integer();
          break;
        case NEXT_FILE_NUMBER:
        case LAST_SEQUENCE:
        case PREVIOUS_LOG_NUMBER:
          fields.integer();
          break;
        case COMPACT_POINTER:
          fields.integer();
          fields.bytes();
          break;
        case DELETED_FILE:
          fields.integer();
          tables.delete(fields.integer());
          break;
        case NEW_FILE: {
          fields.integer();
          const number = fields.integer();
          tables.set(number, {
            bytes: fields.integer(),
            first: userKey(fields.bytes()),
            last: userKey(fields.bytes()),
          });
          break;
        }
        default:
          throw new Damage(`it has a field ${field}, which is unknown`);
      }
    }
  }
  if (firstLog === undefined) throw new Damage('it names no log');
  return { tables, firstLog };
}

/** Removes the eight bytes of sequence number and type that LevelDB appends to a key. A copy, so that the manifest can be freed. */
function userKey(key: Buffer): Buffer {
  return Buffer.from(key.subarray(0, -8));
}

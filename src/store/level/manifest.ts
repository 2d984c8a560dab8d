/**
 * What a LevelDB manifest says to be the database: the tables with their sizes, and the first log that is not in one of them.
 * It is a log of edits (db/version_edit.cc there); the sum of them counts.
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

/** @throws Damage when it cannot be read. */
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

/** LevelDB puts a number and a type of eight bytes behind each key. A copy, since the manifest is large. */
function userKey(key: Buffer): Buffer {
  return Buffer.from(key.subarray(0, -8));
}

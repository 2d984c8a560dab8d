/**
 * A look at an LMDB file before LMDB maps it into memory: LMDB trusts its pages, so a damaged or foreign file
 * would end the process with a segmentation fault, or look empty, instead of being an error.
 *
 *   page:  u64 number | u64 transaction | u16 pad | u16 flags | u16 lower | u16 upper | u16 pointers … nodes
 *   node:  u32 data size | u16 flags | u16 key size | key | data    (pointers and bounds count from the header's end)
 *   meta:  page header | u32 magic | u32 version | u64 address | u64 map size | free tree | main tree | u64 last page
 *          | u64 transaction
 *   tree:  u32 page size | u16 flags | u16 depth | u64 branch, leaf, overflow pages | u64 entries | u64 root
 *
 * (mdb.c of lmdb-js 3, structs MDB_page, MDB_meta, MDB_db.) Our file holds one small record that every transaction
 * replaces, so both trees are a single leaf page of their header's own transaction; anything else is damaged or not
 * ours. The two headers stand for the last two transactions, in turn, and LMDB takes the newer.
 */
import { readFileSync } from 'node:fs';
import { WarrenError } from '../errors.js';

/** In its data folder. */
export const LMDB_FILE = 'warren.mdb';

const HEADER = 24;
const MAGIC = 0xbeefc0de;
const META_FLAGS = 0x08;
const LEAF_FLAGS = 0x02;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const ADDRESS = HEADER + 8;
const MAP_BYTES = HEADER + 16;
const FREE_TREE = HEADER + 24;
const TREE_BYTES = 48;
const MAIN_TREE = FREE_TREE + TREE_BYTES;
const LAST_PAGE = MAIN_TREE + TREE_BYTES;
const TRANSACTION = LAST_PAGE + 8;
const NODE_HEADER = 8;
/** A file of one record stays below this, whatever happens; a larger one is not ours. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_MAP_BYTES = 1024 * 1024 * 1024;

/**
 * @param key the only key that the file may hold.
 * @throws WarrenError `store-corrupt` when the file exists, is not empty, and is not just what LMDB has written.
 */
export function inspectLmdbFile(path: string, key: string): void {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new WarrenError('store-unreachable', `${path} cannot be read`, { cause: error });
  }
  if (file.length === 0) return;
  try {
    inspect(file, Buffer.from(key));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new WarrenError(
      'store-corrupt',
      `${path} is not an intact store: ${error.message}. Nothing was changed; restore the file or move it away.`,
    );
  }
}

class Fault extends Error {}

function demand(holds: boolean, fault: string): asserts holds {
  if (!holds) throw new Fault(fault);
}

function inspect(file: Buffer, key: Buffer): void {
  demand(file.length <= MAX_BYTES, `it is larger than ${MAX_BYTES} bytes`);
  demand(file.length >= 2 * 4096, 'it is shorter than its two header pages');
  const pageBytes = file.readUInt32LE(FREE_TREE);
  const possible = pageBytes >= 4096 && pageBytes <= 65536 && (pageBytes & (pageBytes - 1)) === 0;
  demand(possible && file.length % pageBytes === 0, 'its page size is impossible');
  demand(file.length >= 2 * pageBytes, 'a header page is missing');
  const first = inspectMeta(file, 0, pageBytes, key);
  const second = inspectMeta(file, 1, pageBytes, key);
  const headers = [first, second].map(({ page }) => page.subarray(HEADER, FREE_TREE + 6));
  demand((headers[0] as Buffer).equals(headers[1] as Buffer), 'its header pages disagree');
  const distance = first.transaction - second.transaction;
  const consecutive = distance === 1n || distance === -1n;
  const fresh = first.transaction === 0n && second.transaction === 0n;
  demand(consecutive || fresh, 'its header pages are not of consecutive transactions');
}

interface Meta {
  readonly page: Buffer;
  readonly transaction: bigint;
}

function inspectMeta(file: Buffer, number: 0 | 1, pageBytes: number, key: Buffer): Meta {
  const page = file.subarray(number * pageBytes, (number + 1) * pageBytes);
  const here = `header page ${number}`;
  demand(page.readBigUInt64LE(0) === BigInt(number), `${here} carries another number`);
  demand(page.readUInt16LE(18) === META_FLAGS, `${here} is no header page`);
  demand(page.readUInt32LE(HEADER) === MAGIC, `${here} has no LMDB mark`);
  demand(page.readBigUInt64LE(ADDRESS) === 0n, `${here} asks for an address`);
  const mapBytes = page.readBigUInt64LE(MAP_BYTES);
  demand(mapBytes >= 2 * pageBytes && mapBytes <= MAX_MAP_BYTES, `${here} has an impossible map size`);
  const transaction = page.readBigUInt64LE(TRANSACTION);
  const turn = transaction === 0n || transaction % 2n === BigInt(number);
  demand(turn, `${here} is not of its transaction`);
  const last = page.readBigUInt64LE(LAST_PAGE);
  demand(last >= 1n && last < BigInt(file.length / pageBytes), `it is cut off: ${here} counts more pages`);
  const trees = [FREE_TREE, MAIN_TREE].map((tree) => readTree(page, tree, here));
  const [free, main] = trees as [Tree, Tree];
  demand(page.readUInt16LE(MAIN_TREE + 4) === 0, `${here} has a tree that is not ours`);
  // Before its first transaction a store is empty; after it, never again.
  demand((main.root === NO_PAGE) === (transaction === 0n), `${here} has lost its record`);
  if (transaction === 0n) {
    demand(free.root === NO_PAGE && last === 1n, `${here} has lost its transaction`);
    return { page, transaction };
  }
  const leaf = (tree: Tree) => leafOf(file, tree, { pageBytes, last, transaction });
  const records = leaf(main);
  demand(records.length === 1 && (records[0] as Node).key.equals(key), 'its record is not ours');
  const used = [0n, 1n, main.root];
  if (free.root !== NO_PAGE) used.push(free.root, ...leaf(free).flatMap(freePages));
  demand(new Set(used).size === used.length, `${here} uses a page twice`);
  demand(!used.some((at) => at > last), `${here} uses a page that it does not have`);
  return { page, transaction };
}

interface Tree {
  readonly root: bigint;
  readonly entries: bigint;
}

function readTree(meta: Buffer, at: number, here: string): Tree {
  const root = meta.readBigUInt64LE(at + 40);
  const entries = meta.readBigUInt64LE(at + 32);
  const depth = root === NO_PAGE ? 0 : 1;
  const single =
    meta.readUInt16LE(at + 6) === depth &&
    meta.readBigUInt64LE(at + 8) === 0n &&
    meta.readBigUInt64LE(at + 16) === BigInt(depth) &&
    meta.readBigUInt64LE(at + 24) === 0n;
  demand(single && (depth === 1 || entries === 0n), `${here} has a tree of more than one page`);
  return { root, entries };
}

interface Node {
  readonly key: Buffer;
  readonly data: Buffer;
}

interface Place {
  readonly pageBytes: number;
  readonly last: bigint;
  readonly transaction: bigint;
}

function leafOf(file: Buffer, { root, entries }: Tree, { pageBytes, last, transaction }: Place): Node[] {
  demand(root >= 2n && root <= last, 'it is cut off, or a tree has no root page');
  const page = file.subarray(Number(root) * pageBytes, (Number(root) + 1) * pageBytes);
  const body = page.subarray(HEADER);
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  demand(page.readBigUInt64LE(0) === root, `page ${root} carries another number`);
  demand(page.readBigUInt64LE(8) === transaction, `page ${root} is of another transaction`);
  demand(page.readUInt32LE(16) === LEAF_FLAGS * 0x10000, `page ${root} is no leaf`);
  const sound = lower % 2 === 0 && upper >= lower && upper <= body.length;
  demand(sound && BigInt(lower / 2) === entries, `page ${root} has impossible bounds`);
  return Array.from({ length: lower / 2 }, (_, at) => {
    const node = body.readUInt16LE(2 * at);
    demand(node >= upper && node + NODE_HEADER <= body.length, `page ${root} has a node outside of it`);
    demand(body.readUInt16LE(node + 4) === 0, `page ${root} has a node that is not ours`);
    const data = node + NODE_HEADER + body.readUInt16LE(node + 6);
    const end = data + body.readUInt32LE(node);
    demand(end <= body.length, `page ${root} has a node that runs out of it`);
    return { key: body.subarray(node + NODE_HEADER, data), data: body.subarray(data, end) };
  });
}

/** An entry of the free tree: the transaction that freed pages, and their count and numbers. */
function freePages({ key, data }: Node): bigint[] {
  demand(key.length === 8 && data.length >= 8 && data.length % 8 === 0, 'its list of free pages is damaged');
  const [count, ...pages] = Array.from({ length: data.length / 8 }, (_, at) => data.readBigUInt64LE(8 * at));
  demand(count === BigInt(pages.length), 'its list of free pages is damaged');
  return pages;
}

/**
 * The layout of a link: shared memory between one front (main thread) and one owner thread, with requests in one direction and replies in the
 * other. A request and its reply have the same position, so they need no id. Positions count from the start of the process
 * and only grow; in shared memory they are kept modulo 2^32.
 *
 *   position      collected        released        published           requests
 *   ─────────────────┴────────────────┴───────────────┴───────────────────┴──────>
 *     responses are     the front may    the replies of     for the owner
 *     written           send these       the group that
 *                                        is being committed
 *
 * A cell has a fixed size. What varies in size (key, body, reply text) is in a ring buffer of bytes beside the cells, and the cell has its
 * offset. The cell and the bytes of a request stay until its reply is released: when the owner thread dies, its successor gets them. A link
 * belongs to one owner thread and one shard. Its memory survives that thread.
 */
import type { Bells } from './bell.js';

export interface LinkMemory {
  /** The shard of the actors that the requests are for. */
  readonly shard: number;
  /** Shared by the links of all shards. */
  readonly bells: Bells;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly requestCells: Int32Array<SharedArrayBuffer>;
  readonly requestBytes: Uint8Array<SharedArrayBuffer>;
  readonly replyCells: Int32Array<SharedArrayBuffer>;
  readonly replyBytes: Uint8Array<SharedArrayBuffer>;
  /** Position of the first request of this link. */
  readonly first: number;
}

/** Indexes into `words`, each in a cache line of its own. The first four hold positions: see the picture above. */
export const REQUESTS = 0;
export const RELEASED = 16;
export const COLLECTED = 32;
/** The replies before this position belong to the group with the id in GROUP. Only read after the owner thread has ended. */
export const PUBLISHED = 48;
export const GROUP = 64;
/** The id of a group, in 32-bit words. */
export const GROUP_WORDS = 4;
/** 1 + position of the message whose turn is being taken, modulo 2^31; 0 between turns. */
export const TURN = 80;
const WORDS = 96;

/** Fields of a request cell. */
export const MESSAGE = 0;
export const REQUEST_OFFSET = 1;
export const KEY_LENGTH = 2;
export const BODY_LENGTH = 3;
/** Length of the text `Idempotency-Key query`; 0 without that header. */
export const IDEMPOTENCY_LENGTH = 4;
export const REQUEST_CELL = 5;

/** Fields of a reply cell. What `DETAIL` means depends on the kind: see `reply-kind.ts`. */
export const KIND = 0;
export const REPLY_OFFSET = 1;
export const REPLY_LENGTH = 2;
export const DETAIL = 3;
/** The commit that made the reply durable, as in `store/commit-id.ts`; its version in two words. The epoch is 0 when there was no commit. */
export const EPOCH = 4;
export const VERSION_LOW = 5;
export const VERSION_HIGH = 6;
export const REPLY_CELL = 8;

const TWO_TO_32 = 2 ** 32;

/** The upper 32 bits of a count. The lower 32 bits are the count modulo 2^32. */
export function highWord(count: number): number {
  return Math.floor(count / TWO_TO_32);
}

export function countOf(low: number, high: number): number {
  return high * TWO_TO_32 + (low >>> 0);
}

/** Message number of a request whose client is already answered: the owner skips the request. */
export const LEFT_OUT = -1;

export interface LinkSize {
  /** The most unanswered requests; rounded up to a power of two. */
  readonly capacity: number;
  readonly requestBytes: number;
  readonly replyBytes: number;
}

export function linkMemory(
  { capacity, requestBytes, replyBytes }: LinkSize,
  { shard, bells, first }: Pick<LinkMemory, 'shard' | 'bells' | 'first'>,
): LinkMemory {
  const cells = 2 ** Math.ceil(Math.log2(capacity));
  const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  for (const word of [REQUESTS, RELEASED, COLLECTED, PUBLISHED]) words[word] = first;
  return {
    shard,
    bells,
    words,
    requestCells: new Int32Array(new SharedArrayBuffer(cells * REQUEST_CELL * Int32Array.BYTES_PER_ELEMENT)),
    requestBytes: new Uint8Array(new SharedArrayBuffer(requestBytes)),
    replyCells: new Int32Array(new SharedArrayBuffer(cells * REPLY_CELL * Int32Array.BYTES_PER_ELEMENT)),
    replyBytes: new Uint8Array(new SharedArrayBuffer(replyBytes)),
    first,
  };
}

/** The position near `near` whose lowest 32 bits are `word`; at most 2^31 after it. */
export function positionAt(word: number, near: number): number {
  return near + ((word - near) | 0);
}

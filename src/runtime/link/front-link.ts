/**
 * The front's side of a link (`link-memory.ts`): writes requests, and reads released replies. Main thread only.
 *
 * `push` writes a request. `publish` makes all written requests visible to the owner at once.
 */
import assert from 'node:assert/strict';
import { REQUEST_BELL, ring } from './bell.js';
import { ByteRing } from './byte-ring.js';
import {
  BODY_LENGTH,
  COLLECTED,
  countOf,
  DETAIL,
  EPOCH,
  GROUP,
  GROUP_WORDS,
  IDEMPOTENCY_LENGTH,
  KEY_LENGTH,
  KIND,
  LEFT_OUT,
  type LinkMemory,
  MESSAGE,
  PUBLISHED,
  positionAt,
  RELEASED,
  REPLY_CELL,
  REPLY_LENGTH,
  REPLY_OFFSET,
  REQUEST_CELL,
  REQUEST_OFFSET,
  REQUESTS,
  VERSION_HIGH,
  VERSION_LOW,
} from './link-memory.js';
import { ASCII, KIND_BITS, REPLAYED } from './reply-kind.js';
import { writeBytes, writeText } from './short-text.js';

/** The longest percent-encoded key, in bytes. */
export const KEY_ROOM = 3 * 256;
const NO_BODY = new Uint8Array(0);

/** One released reply, valid until the next `read`. */
export interface ReplyView {
  kind: number;
  detail: number;
  /** The text is ASCII. */
  ascii: boolean;
  /** It is the answer that an earlier request with the same Idempotency-Key got. */
  replayed: boolean;
  offset: number;
  length: number;
  /** Shard, epoch and version name the commit that made the reply durable. The epoch is 0 when there was no commit. */
  readonly shard: number;
  epoch: number;
  version: number;
}

export class FrontLink {
  readonly memory: LinkMemory;
  /** The ring buffer with the texts of replies. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #cells: Int32Array;
  readonly #replies: Int32Array;
  readonly #requestBytes: Buffer<SharedArrayBuffer>;
  readonly #mask: number;
  readonly #ring: ByteRing;
  /** `#ring.head` before the bytes of each request, by cell. */
  readonly #heads: Float64Array;
  readonly #view: ReplyView;
  #end: number;
  #collected: number;

  constructor(memory: LinkMemory) {
    this.memory = memory;
    this.#words = memory.words;
    this.#view = {
      kind: 0,
      detail: 0,
      ascii: false,
      replayed: false,
      offset: 0,
      length: 0,
      shard: memory.shard,
      epoch: 0,
      version: 0,
    };
    this.#cells = memory.requestCells;
    this.#replies = memory.replyCells;
    this.#requestBytes = Buffer.from(memory.requestBytes.buffer);
    this.bytes = Buffer.from(memory.replyBytes.buffer);
    this.#mask = memory.requestCells.length / REQUEST_CELL - 1;
    this.#heads = new Float64Array(this.#mask + 1);
    this.#ring = new ByteRing(memory.requestBytes.length);
    this.#end = memory.first;
    this.#collected = memory.first;
  }

  /** Position of the next request. */
  get end(): number {
    return this.#end;
  }

  /** Position of the oldest request whose reply is not collected yet. */
  get collected(): number {
    return this.#collected;
  }

  /**
   * Writes a request.
   *
   * @param idempotency `Idempotency-Key query`; empty without that header.
   * @returns false when there is no room for it.
   */
  push(message: number, key = '', body: Uint8Array = NO_BODY, idempotency = ''): boolean {
    const position = this.#end;
    if (position - this.#collected > this.#mask) return false;
    const cell = position & this.#mask;
    const tail = position === this.#collected ? undefined : this.#heads[this.#collected & this.#mask];
    // A character takes three bytes at most.
    const room = 3 * (key.length + idempotency.length) + body.length;
    let offset = 0;
    let keyLength = 0;
    let idempotencyLength = 0;
    if (room > 0) {
      const found = this.#ring.reserve(room, tail);
      if (found === undefined) return false;
      this.#heads[cell] = this.#ring.head;
      offset = found;
      keyLength = writeText(this.#requestBytes, key, offset);
      let end = offset + keyLength;
      if (idempotency !== '') {
        idempotencyLength = writeText(this.#requestBytes, idempotency, end);
        end += idempotencyLength;
      }
      writeBytes(this.#requestBytes, body, end);
      this.#ring.take(end + body.length - offset, room);
    } else this.#heads[cell] = this.#ring.head;
    const at = cell * REQUEST_CELL;
    this.#cells[at + MESSAGE] = message;
    this.#cells[at + REQUEST_OFFSET] = offset;
    this.#cells[at + KEY_LENGTH] = keyLength;
    this.#cells[at + BODY_LENGTH] = body.length;
    this.#cells[at + IDEMPOTENCY_LENGTH] = idempotencyLength;
    this.#end = position + 1;
    return true;
  }

  /** Copies a request from the link of the previous owner thread. There is room, since both links have the same size. */
  pushAgain(from: FrontLink, position: number): void {
    assert(position === this.#end, 'requests go to a successor in order');
    const at = (position & from.#mask) * REQUEST_CELL;
    const offset = from.#cells[at + REQUEST_OFFSET] as number;
    const keyLength = from.#cells[at + KEY_LENGTH] as number;
    const bodyLength = from.#cells[at + BODY_LENGTH] as number;
    const bytes = from.#requestBytes;
    const keyEnd = offset + keyLength;
    const key = bytes.toString('utf8', offset, keyEnd);
    const bodyBegin = keyEnd + (from.#cells[at + IDEMPOTENCY_LENGTH] as number);
    const idempotency = bytes.toString('utf8', keyEnd, bodyBegin);
    const body = bytes.subarray(bodyBegin, bodyBegin + bodyLength);
    const message = from.#cells[at + MESSAGE] as number;
    assert(this.push(message, key, body, idempotency), 'a successor has room for what waits');
  }

  /** Marks a request so that the owner skips it. Only before `publish`. */
  leaveOut(position: number): void {
    this.#cells[(position & this.#mask) * REQUEST_CELL + MESSAGE] = LEFT_OUT;
  }

  /** Makes the written requests visible to the owner. @returns whether there were new ones. */
  publish(): boolean {
    const end = this.#end | 0;
    if (Atomics.load(this.#words, REQUESTS) === end) return false;
    Atomics.store(this.#words, REQUESTS, end);
    ring(this.memory.bells, REQUEST_BELL);
    return true;
  }

  /** The message number of a request whose reply is not collected yet. */
  messageAt(position: number): number {
    return this.#cells[(position & this.#mask) * REQUEST_CELL + MESSAGE] as number;
  }

  keyAt(position: number): string {
    const at = (position & this.#mask) * REQUEST_CELL;
    const offset = this.#cells[at + REQUEST_OFFSET] as number;
    return this.#requestBytes.toString('utf8', offset, offset + (this.#cells[at + KEY_LENGTH] as number));
  }

  /** Replies before this position may be sent. */
  released(): number {
    return positionAt(Atomics.load(this.#words, RELEASED), this.#collected);
  }

  /**
   * The group that the owner thread was committing when it ended, and the position after its last reply.
   *
   * @returns undefined when it was not committing a group.
   */
  published(): { readonly group: string; readonly until: number } | undefined {
    const until = positionAt(Atomics.load(this.#words, PUBLISHED), this.#collected);
    if (until <= this.released()) return undefined;
    return { group: groupText(this.#words.subarray(GROUP, GROUP + GROUP_WORDS)), until };
  }

  /** Reads a reply. @param position before `released()`, or within a group that is known to be stored. */
  read(position: number): ReplyView {
    const at = (position & this.#mask) * REPLY_CELL;
    const view = this.#view;
    const kind = this.#replies[at + KIND] as number;
    view.kind = kind & KIND_BITS;
    view.ascii = (kind & ASCII) !== 0;
    view.replayed = (kind & REPLAYED) !== 0;
    view.detail = this.#replies[at + DETAIL] as number;
    view.offset = this.#replies[at + REPLY_OFFSET] as number;
    view.length = this.#replies[at + REPLY_LENGTH] as number;
    view.epoch = this.#replies[at + EPOCH] as number;
    view.version = countOf(
      this.#replies[at + VERSION_LOW] as number,
      this.#replies[at + VERSION_HIGH] as number,
    );
    return view;
  }

  /** Says that the replies before this position were read: the owner may overwrite them. */
  collect(until: number): void {
    if (until === this.#collected) return;
    this.#collected = until;
    Atomics.store(this.#words, COLLECTED, until | 0);
    Atomics.notify(this.#words, COLLECTED);
  }
}

export function groupText(words: Int32Array): string {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('hex');
}

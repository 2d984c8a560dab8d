/**
 * The front's side of a link: writes requests, reads released replies. Main thread only.
 *
 * What `push` wrote becomes visible to the owner with `publish`, all at once.
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

/** The longest key as it comes, percent-encoded, in bytes. */
export const KEY_ROOM = 3 * 256;
const NO_BODY = new Uint8Array(0);

/** One released reply, valid until the next `read`. */
export interface ReplyView {
  kind: number;
  detail: number;
  /** The text is ASCII. */
  ascii: boolean;
  /** An earlier request got it, too. */
  replayed: boolean;
  offset: number;
  length: number;
  /** Of the commit that made it durable; the epoch is 0 when none has. */
  readonly shard: number;
  epoch: number;
  version: number;
}

export class FrontLink {
  readonly memory: LinkMemory;
  /** The bytes of replies. */
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

  /** Position of the oldest request whose reply was not collected. */
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

  /** Copies a request of the link before this one. There is room: both links are of one size. */
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

  /** Before `publish` only: the owner passes this request by. */
  leaveOut(position: number): void {
    this.#cells[(position & this.#mask) * REQUEST_CELL + MESSAGE] = LEFT_OUT;
  }

  /** @returns whether the owner had not been shown all requests already. */
  publish(): boolean {
    const end = this.#end | 0;
    if (Atomics.load(this.#words, REQUESTS) === end) return false;
    Atomics.store(this.#words, REQUESTS, end);
    ring(this.memory.bells, REQUEST_BELL);
    return true;
  }

  /** The message of a request that was not collected. */
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
   * After the owner thread has ended: the group that was being committed, and the position after its last reply.
   *
   * @returns undefined when nothing was being committed.
   */
  published(): { readonly group: string; readonly until: number } | undefined {
    const until = positionAt(Atomics.load(this.#words, PUBLISHED), this.#collected);
    if (until <= this.released()) return undefined;
    return { group: groupText(this.#words.subarray(GROUP, GROUP + GROUP_WORDS)), until };
  }

  /** The reply at a position before `released()`, or before the end of a group that is known to be stored. */
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

  /** Replies before this position were read: their bytes may be used again. */
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

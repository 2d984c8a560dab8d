/**
 * The owner's side of a link (`link-memory.ts`): reads requests, writes replies, and releases them. Owner thread only.
 *
 * A reply becomes visible to the front when it is released. `publish` writes which group is being committed, and which replies belong to it.
 * The front reads that only after this thread has died, to know which replies to release when the group turns out to be stored.
 */
import { type Bells, REPLY_BELL, ring } from './bell.js';
import { ByteRing } from './byte-ring.js';
import {
  BODY_LENGTH,
  COLLECTED,
  DETAIL,
  EPOCH,
  GROUP,
  GROUP_WORDS,
  highWord,
  IDEMPOTENCY_LENGTH,
  KEY_LENGTH,
  KIND,
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
  TURN,
  VERSION_HIGH,
  VERSION_LOW,
} from './link-memory.js';
import { ASCII } from './reply-kind.js';
import { writeText } from './short-text.js';

export class OwnerLink {
  /** Position of the first request. */
  readonly first: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bells: Bells;
  readonly #cells: Int32Array;
  readonly #replies: Int32Array;
  readonly #requestBytes: Buffer<SharedArrayBuffer>;
  readonly #bytes: Buffer<SharedArrayBuffer>;
  readonly #mask: number;
  readonly #ring: ByteRing;
  /** `#ring.head` before the text of each reply, by cell. */
  readonly #heads: Float64Array;
  #requests: number;
  #released: number;
  /** Replies before this position name their commit. */
  #named: number;

  constructor({ words, bells, requestCells, requestBytes, replyCells, replyBytes, first }: LinkMemory) {
    this.first = first;
    this.#words = words;
    this.#bells = bells;
    this.#cells = requestCells;
    this.#replies = replyCells;
    this.#requestBytes = Buffer.from(requestBytes.buffer);
    this.#bytes = Buffer.from(replyBytes.buffer);
    this.#mask = requestCells.length / REQUEST_CELL - 1;
    this.#heads = new Float64Array(this.#mask + 1);
    this.#ring = new ByteRing(replyBytes.length);
    this.#requests = first;
    this.#released = first;
    this.#named = first;
  }

  /** Replies before this position may have reached their clients. */
  get released(): number {
    return this.#released;
  }

  /** Reads the position after the last published request. */
  look(): number {
    this.#requests = positionAt(Atomics.load(this.#words, REQUESTS), this.#requests);
    return this.#requests;
  }

  messageAt(position: number): number {
    return this.#cells[(position & this.#mask) * REQUEST_CELL + MESSAGE] as number;
  }

  /** The key as the client sent it, percent-encoded. */
  keyAt(position: number): string {
    const at = (position & this.#mask) * REQUEST_CELL;
    const offset = this.#cells[at + REQUEST_OFFSET] as number;
    const length = this.#cells[at + KEY_LENGTH] as number;
    return length === 0 ? '' : this.#requestBytes.toString('utf8', offset, offset + length);
  }

  /** The body, or the query string; undefined when it is empty. */
  bodyAt(position: number): string | undefined {
    const at = (position & this.#mask) * REQUEST_CELL;
    const length = this.#cells[at + BODY_LENGTH] as number;
    if (length === 0) return undefined;
    const offset =
      (this.#cells[at + REQUEST_OFFSET] as number) +
      (this.#cells[at + KEY_LENGTH] as number) +
      (this.#cells[at + IDEMPOTENCY_LENGTH] as number);
    return this.#requestBytes.toString('utf8', offset, offset + length);
  }

  /** `Idempotency-Key query`; empty without that header. */
  idempotencyAt(position: number): string {
    const at = (position & this.#mask) * REQUEST_CELL;
    const length = this.#cells[at + IDEMPOTENCY_LENGTH] as number;
    if (length === 0) return '';
    const offset = (this.#cells[at + REQUEST_OFFSET] as number) + (this.#cells[at + KEY_LENGTH] as number);
    return this.#requestBytes.toString('utf8', offset, offset + length);
  }

  /**
   * Writes the reply to a request. Positions are written in order; those from `released` on may be written again.
   *
   * @returns false when there is no room, since the front has not collected enough earlier replies: try again after `waitForRoom`.
   */
  reply(position: number, kind: number, detail: number, text: string): boolean {
    const cell = position & this.#mask;
    const at = cell * REPLY_CELL;
    if (position < this.#named) this.#named = position;
    if (text === '') {
      this.#heads[cell] = this.#ring.head;
      this.#replies[at + KIND] = kind;
      this.#replies[at + DETAIL] = detail;
      this.#replies[at + REPLY_LENGTH] = 0;
      return true;
    }
    const room = 3 * text.length;
    const offset = this.#ring.reserve(room, this.#tail(position));
    if (offset === undefined) return false;
    this.#heads[cell] = this.#ring.head;
    const length = writeText(this.#bytes, text, offset);
    this.#ring.take(length, room);
    this.#replies[at + KIND] = length === text.length ? kind | ASCII : kind;
    this.#replies[at + DETAIL] = detail;
    this.#replies[at + REPLY_OFFSET] = offset;
    this.#replies[at + REPLY_LENGTH] = length;
    return true;
  }

  /** Writes into the replies before `until` that name no commit yet: this commit makes them durable. @param epoch 0 for no commit. */
  nameCommit(until: number, epoch: number, version: number): void {
    for (; this.#named < until; this.#named++) {
      const at = (this.#named & this.#mask) * REPLY_CELL;
      this.#replies[at + EPOCH] = epoch;
      this.#replies[at + VERSION_LOW] = version | 0;
      this.#replies[at + VERSION_HIGH] = highWord(version);
    }
  }

  /** Writes that the replies before `until` belong to the group that is about to be committed. */
  publish(group: Int32Array, until: number): void {
    for (let word = 0; word < GROUP_WORDS; word++) this.#words[GROUP + word] = group[word] as number;
    Atomics.store(this.#words, PUBLISHED, until | 0);
  }

  /** Releases the replies before `until`: the front may send them. */
  release(until: number): void {
    if (until === this.#released) return;
    this.#released = until;
    Atomics.store(this.#words, RELEASED, until | 0);
    ring(this.#bells, REPLY_BELL);
  }

  /** Marks the message whose turn is being taken. If the thread dies before the next mark, that message is the suspect. */
  turnBegins(position: number): void {
    this.#words[TURN] = (position & 0x7fff_ffff) + 1;
  }

  turnsEnd(): void {
    this.#words[TURN] = 0;
  }

  /** Whether there are requests that `look` has not seen. */
  get hasNews(): boolean {
    return Atomics.load(this.#words, REQUESTS) !== (this.#requests | 0);
  }

  /** Calls back once, when the front has collected more replies than now. */
  waitForRoom(callback: () => void): void {
    const collected = Atomics.load(this.#words, COLLECTED);
    void Promise.resolve(Atomics.waitAsync(this.#words, COLLECTED, collected).value).then(callback);
  }

  /** Start of the oldest bytes in use; undefined when none are. */
  #tail(position: number): number | undefined {
    const collected = positionAt(Atomics.load(this.#words, COLLECTED), this.#released);
    return collected >= position ? undefined : this.#heads[collected & this.#mask];
  }
}

/**
 * The bounded table of asks that wait for the owner, on the main thread. Because replies come in the order of the
 * messages, the table is a ring: asked at the tail, answered at the head, no identities.
 *
 *      head            expired            tail
 *   ─────┴───────────────┴──────────────────┴─────>
 *     answered to the      waiting
 *     client, but still
 *     owed by the owner
 *
 * An ask keeps its place until the owner has replied to it, also after its client has been answered or has left:
 * the message must be sent again in its order when the owner dies.
 */
import assert from 'node:assert/strict';
import type { ProblemCode } from '../errors.js';

/** Takes the outcome of one ask, once. */
export interface Asker {
  settle(outcome: number | ProblemCode): void;
}

/** A place that no owner will be asked about again. */
const LEFT_OUT = 255;

export class PendingAsks {
  readonly #limit: number;
  readonly #onError: (error: unknown) => void;
  readonly #mask: number;
  readonly #askers: (Asker | undefined)[];
  readonly #messages: Uint8Array;
  readonly #askedAt: Float64Array;
  #head = 0;
  #expired = 0;
  #tail = 0;

  /** @param onError an asker threw; all others hear of their outcome all the same. */
  constructor(limit: number, onError: (error: unknown) => void) {
    const size = 2 ** Math.ceil(Math.log2(limit));
    this.#limit = limit;
    this.#onError = onError;
    this.#mask = size - 1;
    this.#askers = new Array<Asker | undefined>(size).fill(undefined);
    this.#messages = new Uint8Array(size);
    this.#askedAt = new Float64Array(size);
  }

  get count(): number {
    return this.#tail - this.#head;
  }

  get full(): boolean {
    return this.count >= this.#limit;
  }

  /** When the oldest ask that the owner still owes came in, by the clock of `add`; undefined when none waits. */
  get oldestAt(): number | undefined {
    return this.count === 0 ? undefined : this.#askedAt[this.#head & this.#mask];
  }

  /** The position that the next ask gets. */
  get end(): number {
    return this.#tail;
  }

  /**
   * @param now milliseconds, never smaller than at the call before.
   * @returns its absolute position.
   */
  add(message: number, asker: Asker, now: number): number {
    assert(!this.full && message < LEFT_OUT, 'no room for this ask');
    const place = this.#tail & this.#mask;
    this.#askers[place] = asker;
    this.#messages[place] = message;
    this.#askedAt[place] = now;
    return this.#tail++;
  }

  /** The owner's next reply. */
  settleNext(outcome: number | ProblemCode): void {
    this.#skipLeftOut();
    assert(this.#head < this.#tail, 'the owner replied to nothing');
    this.#close(this.#head++ & this.#mask, outcome);
    this.#skipLeftOut();
  }

  /**
   * Answers what has waited since `deadline` or longer. The owner still owes the replies, but for the asks from `unsent` on: those will never
   * be sent.
   */
  expire(deadline: number, unsent = this.#tail): number {
    const first = Math.max(this.#expired, this.#head);
    let position = first;
    for (; position < this.#tail; position++) {
      if ((this.#askedAt[position & this.#mask] as number) > deadline) break;
      if (position < unsent) this.#close(position & this.#mask, 'ask-timeout');
      else this.leaveOut(position, 'not-ready');
    }
    this.#expired = position;
    return position - first;
  }

  /** The messages that no owner has replied to, oldest first, between two positions: to be sent, or sent again. */
  unanswered(from = this.#head, to = this.#tail): Uint8Array<ArrayBuffer> {
    const first = Math.max(from, this.#head);
    const messages = new Uint8Array(Math.max(0, to - first));
    let length = 0;
    for (let position = first; position < to; position++) {
      const message = this.#messages[position & this.#mask] as number;
      if (message !== LEFT_OUT) messages[length++] = message;
    }
    return length === messages.length ? messages : messages.slice(0, length);
  }

  /** The absolute position of the n-th ask (0 is the oldest) that the owner still owes; undefined past the tail. */
  positionOf(n: number): number | undefined {
    for (let position = this.#head, left = n; position < this.#tail; position++) {
      if (this.#messages[position & this.#mask] !== LEFT_OUT && left-- === 0) return position;
    }
    return undefined;
  }

  messageAt(position: number): number {
    return this.#messages[position & this.#mask] as number;
  }

  /** Answers one ask and never sends it again. */
  leaveOut(position: number, outcome: ProblemCode): void {
    assert(position >= this.#head && position < this.#tail, 'no such ask');
    this.#close(position & this.#mask, outcome);
    this.#messages[position & this.#mask] = LEFT_OUT;
    this.#skipLeftOut();
  }

  /** Answers all from a position on, and never sends them. */
  leaveOutFrom(position: number, outcome: ProblemCode): void {
    for (let at = Math.max(position, this.#head); at < this.#tail; at++) {
      if (this.#messages[at & this.#mask] !== LEFT_OUT) this.leaveOut(at, outcome);
    }
  }

  settleAll(outcome: ProblemCode): void {
    while (this.#head < this.#tail) this.#close(this.#head++ & this.#mask, outcome);
  }

  #close(place: number, outcome: number | ProblemCode): void {
    const asker = this.#askers[place];
    this.#askers[place] = undefined;
    try {
      asker?.settle(outcome);
    } catch (error) {
      this.#onError(error);
    }
  }

  #skipLeftOut(): void {
    while (this.#head < this.#tail && this.#messages[this.#head & this.#mask] === LEFT_OUT) this.#head += 1;
  }
}

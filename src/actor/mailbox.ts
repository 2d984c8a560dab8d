/**
 * The bounded first-in-first-out line of messages before the owner. Pure; lives on the owner thread.
 *
 *        answered        taken            delivered
 *   ────────┴──────────────┴──────────────────┴──────> position
 *            behind the gate      waiting
 *
 * A message keeps its place until it is answered, so a group whose commit failed is taken again by moving one
 * counter back. Positions count from the start of this owner's reign and only grow.
 */
import assert from 'node:assert/strict';

export class Mailbox {
  readonly #ring: Uint8Array;
  readonly #mask: number;
  #answered = 0;
  #taken = 0;
  #delivered = 0;

  /** @param capacity messages; rounded up to a power of two. The sender keeps the bound, so overflow is a bug. */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(capacity));
    this.#ring = new Uint8Array(size);
    this.#mask = size - 1;
  }

  /** Messages not yet taken. */
  get waiting(): number {
    return this.#delivered - this.#taken;
  }

  /** Messages taken or not, and not answered. */
  get unanswered(): number {
    return this.#delivered - this.#answered;
  }

  /** Position of the next message that `take` returns. */
  get position(): number {
    return this.#taken;
  }

  deliver(messages: Uint8Array): void {
    assert(this.unanswered + messages.length <= this.#ring.length, 'the mailbox overflowed');
    for (let i = 0; i < messages.length; i++) {
      this.#ring[(this.#delivered + i) & this.#mask] = messages[i] as number;
    }
    this.#delivered += messages.length;
  }

  take(): number {
    assert(this.#taken < this.#delivered, 'the mailbox is empty');
    return this.#ring[this.#taken++ & this.#mask] as number;
  }

  /** The oldest `count` messages have got their reply. */
  answer(count: number): void {
    this.#answered += count;
    assert(this.#answered <= this.#delivered, 'more answers than messages');
    this.#taken = Math.max(this.#taken, this.#answered);
  }

  /** Everything behind the gate waits again. */
  putBack(): void {
    this.#taken = this.#answered;
  }
}

/**
 * Bounds on the times at which the counter reached each index of a history: the earliest and the latest possible
 * instant, and the operation that proves it. Each operation adds bounds. `close` then applies them to other indexes: the
 * counter reaches larger indexes later, so a lower bound also holds for all larger indexes, and an upper bound for all
 * smaller ones. Flat arrays, because a history may have a million operations.
 */
import type { Operation } from './history.js';

export class IndexBounds {
  readonly #initial: number;
  readonly #end: number;
  readonly #earliest: Float64Array;
  readonly #latest: Float64Array;
  readonly #earliestBy: (Operation | undefined)[];
  readonly #latestBy: (Operation | undefined)[];

  constructor(initial: number, end: number) {
    this.#initial = initial;
    this.#end = end;
    const size = end - initial + 1;
    this.#earliest = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    this.#latest = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    this.#earliestBy = new Array(size);
    this.#latestBy = new Array(size);
  }

  /** The counter became `notBefore` only after the operation's start, and `notAfter` before its end. */
  add(notBefore: number, notAfter: number, operation: Operation): void {
    const low = notBefore - this.#initial;
    if (notBefore <= this.#end && operation.start > this.#at(this.#earliest, low)) {
      this.#earliest[low] = operation.start;
      this.#earliestBy[low] = operation;
    }
    // A counter that had become a later index by then had become the last one considered here.
    const high = Math.min(notAfter, this.#end) - this.#initial;
    if (high > 0 && operation.end < this.#at(this.#latest, high)) {
      this.#latest[high] = operation.end;
      this.#latestBy[high] = operation;
    }
  }

  /** Carries each bound to all indexes that it binds; returns two operations that contradict each other, if any. */
  close(): { late: Operation; early: Operation } | null {
    for (let at = this.#latest.length - 2; at >= 0; at--) {
      if (this.#at(this.#latest, at) <= this.#at(this.#latest, at + 1)) continue;
      this.#latest[at] = this.#at(this.#latest, at + 1);
      this.#latestBy[at] = this.#latestBy[at + 1];
    }
    let latestStart = Number.NEGATIVE_INFINITY;
    let late: Operation | undefined;
    for (let at = 1; at < this.#earliest.length; at++) {
      if (this.#at(this.#earliest, at) > latestStart) {
        latestStart = this.#at(this.#earliest, at);
        late = this.#earliestBy[at];
      }
      const early = this.#latestBy[at];
      if (latestStart > this.#at(this.#latest, at) && late && early) return { late, early };
    }
    return null;
  }

  /** After `close`: the latest instant at which the counter can have become the index. */
  latest(index: number): number {
    return this.#at(this.#latest, index - this.#initial);
  }

  /** The operation that sets it. */
  latestBy(index: number): Operation {
    const operation = this.#latestBy[index - this.#initial];
    if (operation === undefined) throw new Error(`nothing shows a state of ${index} or more`);
    return operation;
  }

  #at(times: Float64Array, position: number): number {
    return times[position] as number;
  }
}

/** A clock that the test owns: time passes only in `advance`, and timers fire in the order in which they are due. */
import type { OwnerClock } from '../../../src/runtime/owner-clock.js';

export class FakeClock implements OwnerClock {
  #now = 0;
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  /** The two clocks of a machine that is never suspended. */
  wall(): number {
    return this.#now;
  }

  get timers(): number {
    return this.#timers.size;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Nothing fires until they are released, and then only as time passes: the owner's thread stands still. */
  holdTimers(): { release(): void } {
    const timers = [...this.#timers];
    this.#timers.clear();
    return {
      release: () => {
        for (const timer of timers) this.#timers.add(timer);
      },
    };
  }

  /** Fires what falls due within `ms`; what a callback sets up within that time fires, too. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#now = next.dueAt;
      this.#timers.delete(next);
      next.callback();
    }
    this.#now = until;
  }

  /** When the next timer fires; infinity when there is none. */
  get nextDueAt(): number {
    return this.#next(Number.POSITIVE_INFINITY)?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  #next(until: number) {
    let first: { readonly dueAt: number; readonly callback: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= until && (!first || timer.dueAt < first.dueAt)) first = timer;
    }
    return first;
  }
}

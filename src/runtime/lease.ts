/**
 * For how long an owner may answer from memory, since no other process can have taken over meanwhile. Lives on the owner thread.
 *
 * It counts from before the commit was sent that took or renewed it, by the monotonic and by the wall clock, whichever ends first:
 * a suspended machine stops the one, and the other may be set. The lease decides who should answer and who should try; who may
 * write is decided by the store's compare-and-set alone.
 */
import type { OwnerClock } from './owner-clock.js';

/** The longest that an owner waits between two attempts to reach the store, in milliseconds. */
export const LAST_RETRY_MS = 400;

/** An idle owner renews its lease at least this often, in milliseconds, and so notices that the store has lost its record. */
const RENEWAL_MS = 1_000;

/** Within this time an owner that lives, and that the store answers, has noticed that its record is gone, and written it anew. */
export function noticeMs(commitTimeoutMs: number): number {
  return RENEWAL_MS + commitTimeoutMs + LAST_RETRY_MS;
}

export function renewalMs(leaseMs: number): number {
  return Math.min(leaseMs / 3, RENEWAL_MS);
}

/** A moment by both clocks. */
export interface Moment {
  readonly now: number;
  readonly wall: number;
}

export function momentOf(clock: OwnerClock): Moment {
  return { now: clock.now(), wall: clock.wall() };
}

export class Lease {
  readonly #clock: OwnerClock;
  readonly #ms: () => number;
  #since: Moment | undefined;

  /** @param ms infinity when no other process can reach the store. */
  constructor(clock: OwnerClock, ms: () => number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** @param since before the commit was sent that has passed. */
  hold(since: Moment): void {
    this.#since = since;
  }

  end(): void {
    this.#since = undefined;
  }

  get held(): boolean {
    return this.leftMs > 0;
  }

  get leftMs(): number {
    if (!this.#since) return 0;
    const passedMs = this.#clock.wall() - this.#since.wall;
    // The wall clock was set back: what it says of the time since then is worth nothing.
    if (passedMs < 0) return 0;
    return this.#ms() - Math.max(passedMs, this.#clock.now() - this.#since.now);
  }
}

/**
 * The lease of an owner: how long it may answer from memory, because no other process can have taken over. Runs on the owner thread.
 *
 * The time counts from before the commit was sent that took or renewed the lease. It ends when it is over by the monotonic or by the wall
 * clock: the first stands still while the machine is suspended, the second may be set. The lease decides who should answer and who should
 * try to take over. Who may write is decided only by the store's compare-and-set.
 */
import type { OwnerClock } from './owner-clock.js';

/** The longest that an owner waits between two attempts to reach the store, in milliseconds. */
export const LAST_RETRY_MS = 400;

/** The longest time between two renewals of an idle owner, in milliseconds. By a renewal the owner notices that the store has lost its fence. */
const RENEWAL_MS = 1_000;

/** Within this time, in milliseconds, a living owner notices that the store has lost its fence, and writes it again. */
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

  /** @param ms length of the lease in milliseconds; infinity when no other process can reach the store. */
  constructor(clock: OwnerClock, ms: () => number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Renews the lease, after a commit has succeeded. @param since a moment before that commit was sent. */
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
    // The wall clock was set back, so the time that has passed is unknown: the lease ends.
    if (passedMs < 0) return 0;
    return this.#ms() - Math.max(passedMs, this.#clock.now() - this.#since.now);
  }
}

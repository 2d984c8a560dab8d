/** The clocks and timers of an owner, passed in so that a test can control them. */

export interface OwnerClock {
  /** Calls back after `ms` milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Milliseconds, monotonic. It stands still while the machine is suspended. */
  now(): number;
  /** Milliseconds of the wall clock, which goes on meanwhile, but may be set. */
  wall(): number;
}

/** The real one. */
export const OWNER_CLOCK: OwnerClock = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  now: () => performance.now(),
  wall: () => Date.now(),
};

/** Time as an owner sees it: passed in, so that a test can hold it. */

export interface OwnerClock {
  /** Calls back after `ms` milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Milliseconds, monotonic. */
  now(): number;
}

/** The real one. */
export const OWNER_CLOCK: OwnerClock = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  now: () => performance.now(),
};

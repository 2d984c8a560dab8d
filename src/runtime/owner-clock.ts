/** The clocks and timers that an owner uses. They are passed in, so that a test can control them. */
export interface OwnerClock {
  /** Calls back after `ms` milliseconds; the result cancels that. */
  after(ms: number, callback: () => void): () => void;
  /** The monotonic clock, in milliseconds. It stands still while the machine is suspended. */
  now(): number;
  /** The wall clock, in milliseconds since 1970. It runs on while the machine is suspended, and it may be set. */
  wall(): number;
}

/** The clocks of the system. */
export const OWNER_CLOCK: OwnerClock = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  now: () => performance.now(),
  wall: () => Date.now(),
};

/** Keys in Redis that others have left behind. Each is read by a command of its own, so it may lie in any hash slot. */

/** Where an earlier form of Warren kept its only record. */
export const FORMER_KEY = 'warren:fibonacci';

/** Where the Go service that the Fibonacci resident replaces kept its current value. */
export const PREDECESSOR_KEY = 'fibonacci_current';

/** A bound in time on any promise: past it the outcome is unknown, whatever the promise does later. */
import { WarrenError } from '../errors.js';
import type { OwnerClock } from './owner-clock.js';

/** @throws WarrenError `store-unreachable` after `ms` milliseconds. */
export function deadline<T>(clock: OwnerClock, ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      reject(new WarrenError('store-unreachable', `the store did not answer within ${ms} ms`));
    });
    promise.then(resolve, reject).finally(cancel);
  });
}

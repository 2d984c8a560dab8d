/** Finds the start index when Redis holds the value of the earlier Go service, which stored the current number and not its index. */
import { WarrenError } from '../../errors.js';
import { indexOfFibonacci } from './fibonacci.js';

/**
 * @param value decimal, as found; undefined when there is none.
 * @throws WarrenError `predecessor-invalid` when it is no Fibonacci number: that service wrapped around after F(93).
 */
export function inheritedIndex(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const index = /^\d{1,10000}$/.test(text) ? indexOfFibonacci(BigInt(text)) : undefined;
  if (index === undefined) {
    throw new WarrenError(
      'predecessor-invalid',
      `the key "fibonacci_current" holds ${JSON.stringify(text.slice(0, 40))}, which is no Fibonacci number (the former ` +
        'service wrapped around after F(93)). To start a fresh sequence, delete or rename that key; to start ' +
        'elsewhere, also set INITIAL_INDEX.',
    );
  }
  return index;
}

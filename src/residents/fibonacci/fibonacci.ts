/**
 * Indexes and values of the Fibonacci sequence: fast doubling from an index to its pair of terms, the search for the index of a value, and
 * the number of digits.
 */

/**
 * F(n) and F(n+1) by fast doubling: F(2k) = F(k)(2F(k+1) − F(k)) and F(2k+1) = F(k)² + F(k+1)²
 * (Dijkstra, EWD654, "In honour of Fibonacci").
 *
 * @param onStep called after each doubling with the number of doublings done, and of all.
 */
export function fibonacciPair(n: number, onStep?: (done: number, all: number) => void): [bigint, bigint] {
  let a = 0n;
  let b = 1n;
  const steps = n === 0 ? 0 : Math.floor(Math.log2(n)) + 1;
  for (let bit = steps - 1; bit >= 0; bit--) {
    const doubled = a * (2n * b - a);
    const next = a * a + b * b;
    const odd = Math.floor(n / 2 ** bit) % 2 === 1;
    [a, b] = odd ? [next, doubled + next] : [doubled, next];
    onStep?.(steps - bit, steps);
  }
  return [a, b];
}

/**
 * The index of a Fibonacci number, or undefined for any other. 1 stands at index 1 and 2; the later one is
 * meant, since the sequence 0, 1, 1 shows its second 1 with the larger state.
 */
export function indexOfFibonacci(value: bigint): number | undefined {
  if (value < 0n) return undefined;
  if (value === 0n) return 0;
  if (value === 1n) return 2;
  // n = log_phi(value * sqrt 5), and log2(value) is within one of the value's bit length.
  const guess = (value.toString(2).length + Math.log2(Math.sqrt(5))) / Math.log2((1 + Math.sqrt(5)) / 2);
  const first = Math.max(3, Math.floor(guess) - 3);
  let [a, b] = fibonacciPair(first);
  for (let n = first; a <= value; n++) {
    if (a === value) return n;
    [a, b] = [b, a + b];
  }
  return undefined;
}

const LOG10_PHI = Math.log10((1 + Math.sqrt(5)) / 2);
const LOG10_SQRT5 = Math.log10(5) / 2;

/** Decimal digits of F(n), by Binet's formula. */
export function digitsOf(n: number): number {
  return n < 2 ? 1 : Math.floor(n * LOG10_PHI - LOG10_SQRT5) + 1;
}

/** An upper bound of the decimal digits of F(n), by Binet's formula; exact or one too many. */
export function digitsUpTo(n: number): number {
  return Math.max(1, Math.ceil(n * LOG10_PHI));
}

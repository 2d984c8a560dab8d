/** The mathematics that the owner and the start rely on, against plain additions. */
import fc from 'fast-check';
import t from 'tap';
import {
  digitsUpTo,
  fibonacciPair,
  indexOfFibonacci,
} from '../../../../src/residents/fibonacci/fibonacci.js';

/** F(0) to F(1,000), each by one addition. */
const TERMS = [0n, 1n];
while (TERMS.length <= 1_000) TERMS.push((TERMS.at(-1) as bigint) + (TERMS.at(-2) as bigint));

function byAddition(index: number): bigint {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < index; i++) [a, b] = [b, a + b];
  return a;
}

t.test('the first 1,000 pairs are those of plain addition', async (t) => {
  const pairs = TERMS.slice(0, 1_000).map((_, n) => fibonacciPair(n));
  t.strictSame(
    pairs,
    TERMS.slice(0, 1_000).map((term, n) => [term, TERMS[n + 1]]),
  );
});

t.test('F(10,000) and F(100,000) are those of plain addition', async (t) => {
  for (const n of [10_000, 100_000]) {
    const [a, b] = fibonacciPair(n);
    t.ok(a === byAddition(n) && b === byAddition(n + 1), `F(${n})`);
  }
});

t.test('published values: F(100), and the ends of F(10,000) and F(1,000,000)', async (t) => {
  // OEIS A000045, and the tables of R. Knott.
  t.equal(fibonacciPair(100)[0], 354224848179261915075n);
  const ends = (n: number) => {
    const digits = fibonacciPair(n)[0].toString();
    return [digits.length, digits.slice(0, 20), digits.slice(-20)];
  };
  t.strictSame(ends(10_000), [2_090, '33644764876431783266', '66073310059947366875']);
  t.strictSame(ends(1_000_000), [208_988, '19532821287077577316', '68996526838242546875']);
});

t.test('large indexes obey F(n-1)F(n+1) - F(n)^2 = (-1)^n', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60_000 }), (n) => {
      const [before, at] = fibonacciPair(n - 1);
      const after = fibonacciPair(n)[1];
      return before * after - at * at === (n % 2 === 0 ? 1n : -1n);
    }),
    { numRuns: 50 },
  );
});

t.test('a value has its index, 1 the later of its two, and what is no term has none', async (t) => {
  t.equal(indexOfFibonacci(0n), 0);
  t.equal(indexOfFibonacci(1n), 2);
  const indexes = TERMS.slice(3).map(indexOfFibonacci);
  t.strictSame(
    indexes,
    Array.from(indexes, (_, at) => at + 3),
  );
  t.ok(TERMS.slice(5).every((term) => indexOfFibonacci(term + 1n) === undefined));
  t.equal(indexOfFibonacci(-1n), undefined);
  t.equal(indexOfFibonacci(byAddition(40_000)), 40_000);
  // F(94) wrapped around 64 bits: what the Go service stored in its place.
  t.equal(indexOfFibonacci((TERMS[94] as bigint) % 2n ** 64n), undefined);
});

t.test('the bound on digits is never short, and at most one too long', async (t) => {
  const over = TERMS.map((term, n) => digitsUpTo(n) - `${term}`.length);
  t.strictSame([...new Set(over)].toSorted(), [0, 1]);
  t.equal(digitsUpTo(1_000_000), 208_988);
});

import t from 'tap';
import { digitsAt, indexWithDigits } from '../../../bench/digits.js';
import { FibonacciOracle } from '../../support/fibonacci-oracle.js';

t.test('digitsAt tells how long a Fibonacci number is', async (t) => {
  const oracle = new FibonacciOracle();
  const wrong = Array.from({ length: 3000 }, (_, index) => index).filter(
    (index) => digitsAt(index) !== oracle.digits(index).length,
  );
  t.same(wrong, []);
});

t.test('indexWithDigits stands amid the numbers of that length', async (t) => {
  for (const digits of [2, 20, 200, 2_000, 20_000, 209_000]) {
    const index = indexWithDigits(digits);
    t.same(
      [-1, 0, 1].map((step) => digitsAt(index + step)),
      [digits, digits, digits],
      `${digits} digits`,
    );
  }
});

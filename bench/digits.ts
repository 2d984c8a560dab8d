/** How long Fibonacci numbers are: from index to decimal digits and back, by Binet's formula. */

const LOG10_PHI = Math.log10((1 + Math.sqrt(5)) / 2);
const LOG10_SQRT5 = Math.log10(5) / 2;

/** Decimal digits of F(n). */
export function digitsAt(index: number): number {
  return index < 2 ? 1 : Math.floor(index * LOG10_PHI - LOG10_SQRT5) + 1;
}

/** An index in the middle of those whose numbers have so many digits, so that a few steps do not change the length. */
export function indexWithDigits(digits: number): number {
  return Math.round((digits - 0.5 + LOG10_SQRT5) / LOG10_PHI);
}

/**
 * Decimal digits of F(n) for judging a server, by plain addition of BigInts: nothing is shared with what it runs, so
 * an agreement of the two means something. Terms are computed once, in order, and kept; memory grows with the square
 * of the highest index asked for (about 1 MB at 3,000 and 100 MB at 30,000), so callers bound it.
 */
export class FibonacciOracle {
  readonly #digits: string[] = ['0', '1'];
  #beforeLast = 0n;
  #last = 1n;

  digits(index: number): string {
    if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`not an index: ${index}`);
    while (this.#digits.length <= index) {
      const term = this.#beforeLast + this.#last;
      this.#beforeLast = this.#last;
      this.#last = term;
      this.#digits.push(term.toString());
    }
    return this.#digits[index] as string;
  }
}

/**
 * Consecutive terms as digits in shared memory, written by a format thread and from then on only read, but for the
 * margins around the digits, where the main thread puts the JSON of the reply that it is about to send.
 */
import { type DigitSpan, TERM_MARGIN } from '../sequence/decimal-kernel.js';

export class Page {
  /** Index of the first term. */
  readonly first: number;
  readonly count: number;
  readonly region: DigitSpan;
  readonly #words: Uint32Array;
  readonly #topEntry: number;

  constructor(first: number, count: number, region: DigitSpan, words: Uint32Array) {
    this.first = first;
    this.count = count;
    this.region = region;
    this.#words = words;
    this.#topEntry = region.end / 4 - 1;
  }

  /** Index after the last term. */
  get end(): number {
    return this.first + this.count;
  }

  has(index: number): boolean {
    return index >= this.first && index < this.first + this.count;
  }

  /** Address of the first digit. */
  startOf(index: number): number {
    return this.#words[this.#topEntry - (index - this.first)] as number;
  }

  /** Address after the last digit. */
  endOf(index: number): number {
    return (this.#words[this.#topEntry - (index - this.first) - 1] as number) - TERM_MARGIN;
  }

  digits(index: number): DigitSpan {
    return { start: this.startOf(index), end: this.endOf(index) };
  }
}

/**
 * Consecutive terms in one stretch of the ring's memory, as the kernel lays them out (see `decimal-kernel.ts`): margins around the digits,
 * and at the end the table of addresses. The JSON of a reply is written into the margins right before the reply is sent.
 */
import { type DigitSpan, TERM_MARGIN } from './decimal-kernel.js';

export class TermRegion {
  readonly #start: number;
  readonly #words: Uint32Array;
  #first = 0;
  #count = 0;
  /** Where the address of the first term is. Those of the others are below it. */
  #entry = 0;

  /** @param start address of the region. The ring knows how far the region may reach. */
  constructor(start: number, words: Uint32Array) {
    this.#start = start;
    this.#words = words;
  }

  /** Index after the last term. */
  get end(): number {
    return this.#first + this.#count;
  }

  has(index: number): boolean {
    return index >= this.#first && index < this.end;
  }

  /** Address of the first digit. */
  startOf(index: number): number {
    return this.#words[this.#entry - (index - this.#first)] as number;
  }

  /** Address after the last digit. */
  endOf(index: number): number {
    return (this.#words[this.#entry - (index - this.#first) - 1] as number) - TERM_MARGIN;
  }

  digits(index: number): DigitSpan {
    return { start: this.startOf(index), end: this.endOf(index) };
  }

  /** @param bytes a multiple of 4. */
  span(bytes: number): DigitSpan {
    return { start: this.#start, end: this.#start + bytes };
  }

  /** Takes over what the kernel has written into this span. */
  wasFilled(first: number, count: number, { end }: DigitSpan): void {
    this.#first = first;
    this.#count = count;
    this.#entry = end / 4 - 1;
  }

  /** Lays out terms as the kernel does. @param bytes of the region. @param memory all memory of the ring. */
  write(first: number, terms: readonly string[], bytes: number, memory: Buffer): void {
    this.wasFilled(first, terms.length, this.span(bytes));
    let at = this.#start + TERM_MARGIN;
    for (const [k, digits] of terms.entries()) {
      this.#words[this.#entry - k] = at;
      at += memory.write(digits, at, 'latin1') + TERM_MARGIN;
    }
    this.#words[this.#entry - terms.length] = at;
  }

  clear(): void {
    this.#count = 0;
  }
}

/**
 * The sequence as most would write it: two BigInts in the process, converted to decimal for each answer. Exact at
 * any size, in order because there is one thread, and forgotten with the process.
 */
import { fibonacciPair } from '../../src/residents/fibonacci/fibonacci.js';

export interface Answer {
  readonly index: number;
  readonly body: string;
}

export const MEMBERS = ['current', 'next', 'previous'] as const;
export type Member = (typeof MEMBERS)[number];

export class BigSequence {
  #index: number;
  #before: bigint;
  #current: bigint;

  constructor(initialIndex: number) {
    this.#index = initialIndex;
    if (initialIndex === 0) [this.#before, this.#current] = [0n, 0n];
    else [this.#before, this.#current] = fibonacciPair(initialIndex - 1);
  }

  answer(member: Member): Answer {
    if (member === 'next') this.#move();
    const value = member === 'previous' ? this.#before : this.#current;
    const index = member === 'previous' ? Math.max(0, this.#index - 1) : this.#index;
    return { index, body: `{"${member}": ${value}}` };
  }

  #move(): void {
    const next = this.#index === 0 ? 1n : this.#before + this.#current;
    this.#before = this.#current;
    this.#current = next;
    this.#index += 1;
  }
}

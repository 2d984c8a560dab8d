/**
 * Renders numbers again for requests that repeat an Idempotency-Key. The sequence has moved on since, so the digits are computed anew, one number at a time.
 * Main thread only.
 */
import { fibonacciPair } from './fibonacci.js';
import type { NumberResponse } from './number-response.js';
import { expired, type Waiting } from './waiting.js';

/** Up to this index the digits take less time than a way to another thread. */
const SMALL_INDEX = 10_000;

/** The digits of F(index). Undefined when it was aborted. */
export type Convert = (index: number, signal: AbortSignal) => Promise<string | undefined>;

interface WaitingReplay extends Waiting {
  readonly index: number;
}

export class Replays {
  readonly #convert: Convert;
  #waiting: readonly WaitingReplay[] = [];
  #conversion: AbortController | undefined;

  constructor(convert: Convert) {
    this.#convert = convert;
  }

  show(index: number, response: NumberResponse): void {
    if (index <= SMALL_INDEX) {
      response.showText(index, `${fibonacciPair(index)[0]}`);
      return;
    }
    this.#waiting = [...this.#waiting, { index, response, since: performance.now() }];
    this.#convertNext();
  }

  /** Refuses what came at `deadline` or before. */
  expire(deadline: number): void {
    this.#waiting = expired(this.#waiting, deadline, 'ask-timeout');
    if (this.#waiting.length === 0) this.#conversion?.abort();
  }

  close(): void {
    this.#conversion?.abort();
  }

  #convertNext(): void {
    const [first] = this.#waiting;
    if (!first || this.#conversion) return;
    const { index } = first;
    const conversion = new AbortController();
    this.#conversion = conversion;
    void this.#convert(index, conversion.signal).then((digits) => {
      this.#conversion = undefined;
      if (digits !== undefined) this.#showAll(index, digits);
      this.#convertNext();
    });
  }

  #showAll(index: number, digits: string): void {
    const same = this.#waiting.filter((one) => one.index === index);
    this.#waiting = this.#waiting.filter((one) => one.index !== index);
    for (const { response } of same) response.showText(index, digits);
  }
}

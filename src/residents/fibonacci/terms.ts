/**
 * The digits of the sequence, where the front sends them from. Main thread only.
 *
 *   replies of the owner: n, n+1, …  ──> locate(n)  ──> TermRing: adds the next terms          (microseconds each)
 *   owner serves at index n     ──> moveTo(n)  ──> conversion of F(n-1) and F(n), when they are out of reach
 *                                                  of a small index at once, of a large one by ConversionPool
 *
 * Invariant: while `ready`, the term where the sequence stands is at hand, or a few additions away.
 */
import { type DigitSpan, TERM_MARGIN } from './decimal-kernel.js';
import type { Digits } from './digits.js';
import { fibonacciPair } from './fibonacci.js';
import { TermRing } from './term-ring.js';

/** Up to this index a conversion takes less time than the start of a thread with its library: some 50 ms at the most. */
const SMALL_INDEX = 1_000_000;
/** What is added and sent before the event loop turns again: a millisecond or two. */
const BYTES_AT_ONCE = 4 * 2 ** 20;
/** A reply without digits takes about as long as so many of them. */
const REPLY_BYTES = 4096;

/** Converts F(index) and F(index + 1) to decimal, however long that takes. Undefined when it was aborted. */
export type Convert = (index: number, signal: AbortSignal) => Promise<readonly [string, string] | undefined>;

export interface TermsOptions {
  readonly maxIndex: number;
  readonly convert: Convert;
  /** Up to this index the terms are computed at once, without `convert`. */
  readonly smallIndex?: number;
  /** The terms at this index are being converted; `tookMs` is undefined at the beginning. */
  readonly onConversion: (index: number, tookMs: number | undefined) => void;
}

export class Terms implements Digits {
  readonly bytes: Buffer<SharedArrayBuffer>;
  readonly margin = TERM_MARGIN;
  readonly #options: TermsOptions;
  readonly #ring: TermRing;
  /** Written again by each `locate`: an object per request would be garbage. */
  readonly #found = { start: 0, end: 0 };
  #ready = false;
  #conversion: AbortController | undefined;
  /** Terms that were added. */
  added = 0;

  constructor(options: TermsOptions) {
    this.#options = options;
    this.#ring = new TermRing(options.maxIndex);
    this.bytes = this.#ring.bytes;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** A conversion is under way. */
  get converting(): boolean {
    return this.#conversion !== undefined && !this.#ready;
  }

  /** Digits of the newest term that is at hand; 0 when not ready. */
  get digits(): number {
    return this.#ready ? this.#ring.digits : 0;
  }

  /** How many replies may be rendered and sent before the event loop turns again. */
  get atOnce(): number {
    return Math.max(1, Math.floor(BYTES_AT_ONCE / (this.digits + REPLY_BYTES)));
  }

  /** The owner serves at this index. Not ready meanwhile, if the terms there must be converted. */
  moveTo(index: number): void {
    if (this.#ready && this.#reaches(index)) return;
    this.forget();
    const first = Math.max(0, index - 1);
    const begin = performance.now();
    this.#options.onConversion(index, undefined);
    const use = (a: string, b: string): void => {
      this.#ring.begin(first, a, b);
      this.#ready = true;
      this.#conversion = undefined;
      this.#options.onConversion(index, performance.now() - begin);
    };
    if (first <= (this.#options.smallIndex ?? SMALL_INDEX)) {
      const [a, b] = fibonacciPair(first);
      use(`${a}`, `${b}`);
      return;
    }
    const conversion = new AbortController();
    this.#conversion = conversion;
    void this.#options.convert(first, conversion.signal).then((terms) => {
      if (terms && this.#conversion === conversion) use(...terms);
    });
  }

  /** The next index is unknown, since another instance serves. */
  forget(): void {
    this.#ready = false;
    this.#conversion?.abort();
    this.#conversion = undefined;
  }

  /** The span is valid until the next call. */
  locate(index: number): DigitSpan | undefined {
    if (!this.#ready || index - this.#ring.end >= this.atOnce) return undefined;
    while (index >= this.#ring.end) this.#add();
    const region = this.#ring.find(index);
    if (!region) return undefined;
    this.#found.start = region.startOf(index);
    this.#found.end = region.endOf(index);
    return this.#found;
  }

  #add(): void {
    const before = this.#ring.end;
    this.#ring.addMore();
    this.added += this.#ring.end - before;
  }

  /** Whether additions lead there, and the term before it is at hand. */
  #reaches(index: number): boolean {
    const { end } = this.#ring;
    return index > end ? index - end < this.atOnce : this.#ring.find(Math.max(0, index - 1)) !== undefined;
  }
}

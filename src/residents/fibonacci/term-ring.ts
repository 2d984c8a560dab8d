/**
 * The newest terms of the sequence as decimal digits, on the main thread. Each term is the sum of the two before it, added in decimal by
 * the kernel, so nothing is converted. Two regions take turns. Both are small, so that digits are sent from the processor's cache: to
 * read a term there costs a fraction of reading it from memory, or from the cache of another core.
 *
 *   one region     | … | F(n-2) | F(n-1) |             its newest two terms
 *                          └─────┬────┘
 *   the other one                └──> | F(n) | F(n+1) | … |  are continued here; then the first one is written again
 *
 * Invariant: the newest term and the one before it are there.
 */
import assert from 'node:assert/strict';
import { createDecimalKernel, type DecimalKernel, TERM_MARGIN } from './decimal-kernel.js';
import { digitsUpTo } from './fibonacci.js';
import { TermRegion } from './term-region.js';

/** The next region continues from two terms. More of them make a call of the kernel cheap for small numbers. */
const MIN_TERMS = 2;
const MAX_TERMS = 32;
/** Two regions of this size stay in the second-level cache of a core. */
const REGION_BYTES = 256 * 1024;
/** MAX_TERMS steps of the sequence make a term longer by fewer digits than this. */
const GROWTH = 8;
/** A vector load may reach some bytes below a term, so the first region does not start at address 0. */
const FIRST_ADDRESS = 64;
const WASM_PAGE = 65_536;

export class TermRing {
  /** All memory of the ring. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  readonly #kernel: DecimalKernel;
  /** Bytes from the start of one region to the start of the other. */
  readonly #room: number;
  /** The one that was written last, and the one before it. */
  #newest: TermRegion;
  #older: TermRegion;

  /** @param maxIndex index of the largest term that is asked for. */
  constructor(maxIndex: number) {
    this.#room = Math.max(2 * REGION_BYTES, regionBytes(MIN_TERMS, digitsUpTo(maxIndex)));
    // A fixed block. The operating system backs only what is written.
    const pages = Math.ceil((FIRST_ADDRESS + 2 * this.#room) / WASM_PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = Buffer.from(memory.buffer);
    this.#kernel = createDecimalKernel(memory);
    const words = new Uint32Array(memory.buffer);
    this.#newest = new TermRegion(FIRST_ADDRESS, words);
    this.#older = new TermRegion(FIRST_ADDRESS + this.#room, words);
  }

  /** Index after the newest term. */
  get end(): number {
    return this.#newest.end;
  }

  /** Digits of the newest term. */
  get digits(): number {
    const { start, end } = this.#newest.digits(this.end - 1);
    return end - start;
  }

  /** Starts over at another index. @param first index of `a`. @param a in decimal, as is `b`, the term after it. */
  begin(first: number, a: string, b: string): void {
    this.#older.clear();
    this.#newest.write(first, [a, b], this.#checked(regionBytes(2, b.length)), this.bytes);
  }

  /** The region with this term; undefined when the term is newer than the newest one, or gone. */
  find(index: number): TermRegion | undefined {
    if (this.#newest.has(index)) return this.#newest;
    return this.#older.has(index) ? this.#older : undefined;
  }

  /** Adds the next terms: two of them at least. */
  addMore(): void {
    const full = this.#newest;
    const next = this.#older;
    const a = full.digits(full.end - 2);
    const b = full.digits(full.end - 1);
    const digits = b.end - b.start;
    const terms = Math.floor(REGION_BYTES / (digits + GROWTH + TERM_MARGIN));
    const bytes = this.#checked(regionBytes(Math.min(Math.max(terms, MIN_TERMS), MAX_TERMS), digits));
    const region = next.span(bytes);
    const count = this.#kernel.fill(a, b, region);
    assert(count >= MIN_TERMS, `room for ${count} terms of ${digits} digits`);
    next.wasFilled(full.end, count, region);
    this.#newest = next;
    this.#older = full;
  }

  #checked(bytes: number): number {
    assert(bytes <= this.#room, `a region of ${bytes} bytes in ${this.#room}`);
    return bytes;
  }
}

/** A margin, the terms with a margin behind each, and the table of their addresses. */
function regionBytes(terms: number, digits: number): number {
  return Math.ceil((TERM_MARGIN + terms * (digits + GROWTH + TERM_MARGIN) + 4 * (terms + 1)) / 64) * 64;
}

/**
 * A shared memory for tests of a decimal kernel: every byte that a kernel must not write, or whose value must not matter, holds
 * poison. `continueFrom` places two terms, lets the kernel fill a region, and compares the whole memory with what plain BigInt
 * arithmetic and the layout's definition demand.
 */

import assert from 'node:assert/strict';
import {
  type DecimalKernel,
  type DigitSpan,
  TERM_MARGIN,
} from '../../src/residents/fibonacci/decimal-kernel.js';

const PAGE_BYTES = 65_536;

export interface Placement {
  /** Addresses of the first digits of both terms. */
  readonly aAt: number;
  readonly bAt: number;
  readonly region: DigitSpan;
  /** What all other bytes hold: one value, or a pattern that is repeated. */
  readonly poison?: number | Uint8Array;
}

export class DigitArena {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Buffer;
  readonly #before: Buffer;

  constructor(byteLength: number) {
    const pages = Math.ceil(byteLength / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = Buffer.from(this.memory.buffer);
    this.#before = Buffer.alloc(this.bytes.length);
  }

  put(digits: string, at: number): DigitSpan {
    this.bytes.write(digits, at, 'latin1');
    return { start: at, end: at + digits.length };
  }

  read({ start, end }: DigitSpan): string {
    return this.bytes.toString('latin1', start, end);
  }

  entry(region: DigitSpan, k: number): number {
    return this.bytes.readUInt32LE(region.end - 4 * (k + 1));
  }

  term(region: DigitSpan, k: number): DigitSpan {
    return { start: this.entry(region, k), end: this.entry(region, k + 1) - TERM_MARGIN };
  }

  /** Returns the number of terms, after checking every one of them, every entry, and every byte outside the region. */
  continueFrom(kernel: DecimalKernel, a: string, b: string, place: Placement): number {
    const { region, poison = 0xa5 } = place;
    this.bytes.fill(poison);
    const [x, y] = [this.put(a, place.aAt), this.put(b, place.bAt)];
    this.bytes.copy(this.#before);

    const count = kernel.fill(x, y, region);

    const terms = termsThatFit(BigInt(a), BigInt(b), region);
    assert.equal(count, terms.length, 'number of terms');
    let start = region.start + TERM_MARGIN;
    for (const [k, expected] of terms.entries()) {
      assert.equal(this.entry(region, k), start, `entry ${k}`);
      const found = this.read({ start, end: start + expected.length });
      // Not `assert.equal`: it would print strings of this length in full.
      if (found !== expected) assert.fail(`term ${k} of ${count}: ${firstDifference(found, expected)}`);
      start += expected.length + TERM_MARGIN;
    }
    assert.equal(this.entry(region, count), start, 'the entry behind the last term');
    assert.ok(this.#unchanged(0, region.start), 'bytes below the region');
    assert.ok(this.#unchanged(region.end, this.bytes.length), 'bytes above the region');
    return count;
  }

  #unchanged(start: number, end: number): boolean {
    return this.bytes.compare(this.#before, start, end, start, end) === 0;
  }
}

/** The layout's definition, read literally: a term fits if its digits, the margin behind it and the entry behind that margin do. */
function termsThatFit(a: bigint, b: bigint, region: DigitSpan): string[] {
  const terms: string[] = [];
  let [x, y] = [a, b];
  let start = region.start + TERM_MARGIN;
  for (;;) {
    [x, y] = [y, x + y];
    const digits = y.toString();
    start += digits.length + TERM_MARGIN;
    if (start > region.end - 4 * (terms.length + 2)) return terms;
    terms.push(digits);
  }
}

function firstDifference(found: string, expected: string): string {
  let i = 0;
  while (found[i] === expected[i]) i += 1;
  return `digit ${i} of ${expected.length}: ${found.slice(i, i + 20)} instead of ${expected.slice(i, i + 20)}`;
}

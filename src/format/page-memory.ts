/**
 * The shared memory in which terms are rendered, and who may use which part of it. A fixed block, allocated once:
 * the operating system backs only what has been written. Main thread only; format threads get their region told.
 *
 * First fit over the few regions that live at a time. Regions are multiples of 64 KiB, so that a freed one suits the next page.
 */
import assert from 'node:assert/strict';
import type { DigitSpan } from '../sequence/decimal-kernel.js';

const WASM_PAGE = 65_536;
const GRAIN = 65_536;
/** A vector load may reach some bytes below a term, so the first region does not start at address 0. */
const FIRST_ADDRESS = 64;

export class PageMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  /** Sorted by address. */
  readonly #taken: DigitSpan[] = [];

  /** @param bytes rounded up to 64 KiB. */
  constructor(bytes: number) {
    const pages = Math.ceil(bytes / WASM_PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = pages * WASM_PAGE;
  }

  /** Bytes in regions. */
  get used(): number {
    return this.#taken.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** A region of at least `bytes`, or undefined when no gap is large enough. */
  take(bytes: number): DigitSpan | undefined {
    const size = Math.ceil(bytes / GRAIN) * GRAIN;
    let start = FIRST_ADDRESS;
    let at = 0;
    for (; at < this.#taken.length; at++) {
      const next = this.#taken[at] as DigitSpan;
      if (next.start - start >= size) break;
      start = next.end;
    }
    const region = { start, end: Math.min(start + size, this.bytes) };
    if (region.end - region.start < bytes) return undefined;
    this.#taken.splice(at, 0, region);
    return region;
  }

  giveBack(region: DigitSpan): void {
    const at = this.#taken.indexOf(region);
    assert(at >= 0, 'this region was not taken');
    this.#taken.splice(at, 1);
  }
}

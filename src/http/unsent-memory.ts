/**
 * The memory for answers that slow readers have not read, and which part belongs to which answer. It is one block of fixed size. The operating system provides only
 * the pages that were written to, and no garbage collection is needed. Places are found first-fit among the copies that are in use.
 */
import assert from 'node:assert/strict';

/** Copies are multiples of this, so that the gap of an old one suits a new one. */
const GRAIN = 16 * 1024;

interface Taken {
  readonly start: number;
  readonly end: number;
}

export class UnsentMemory {
  /** Bound on all copies together. */
  readonly bytes: number;
  readonly #buffer: ArrayBuffer;
  /** Sorted by address. */
  readonly #taken: Taken[] = [];
  #used = 0;

  constructor(bytes: number) {
    this.bytes = Math.ceil(bytes / GRAIN) * GRAIN;
    this.#buffer = new ArrayBuffer(this.bytes);
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#used;
  }

  /** A copy of `source`; undefined when no gap is large enough. */
  copy(source: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const size = Math.ceil(source.length / GRAIN) * GRAIN;
    let start = 0;
    let at = 0;
    for (; at < this.#taken.length; at++) {
      const next = this.#taken[at] as Taken;
      if (next.start - start >= size) break;
      start = next.end;
    }
    if (start + size > this.bytes) return undefined;
    this.#taken.splice(at, 0, { start, end: start + size });
    this.#used += size;
    const copy = new Uint8Array(this.#buffer, start, source.length);
    copy.set(source);
    return copy;
  }

  /** @param copy made by `copy`, and given back once. */
  giveBack({ byteOffset }: Uint8Array): void {
    const at = this.#taken.findIndex(({ start }) => start === byteOffset);
    const taken = this.#taken[at];
    assert(taken, 'there is no such copy');
    this.#taken.splice(at, 1);
    this.#used -= taken.end - taken.start;
  }
}

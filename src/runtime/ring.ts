/**
 * One direction between two threads: a ring of numbers in shared memory, with one writer and one reader. What is pushed
 * becomes visible all at once with `publish`, so the reader never sees half a batch, also when the writer's thread ends
 * in the middle of one. Nothing is allocated, copied or scheduled per batch, but for waking a reader that waits.
 *
 *        read              published         pushed
 *   ──────┴───────────────────┴─────────────────┴────>
 *           for the reader      not yet for it
 */
import assert from 'node:assert/strict';

export interface RingMemory {
  readonly ends: Int32Array<SharedArrayBuffer>;
  readonly cells: Float64Array<SharedArrayBuffer>;
}

/** Indexes into `ends`, in different cache lines. Both count up, and wrap around at 32 bits. */
const PUBLISHED = 0;
const READ = 16;

/** @param capacity numbers; rounded up to a power of two. */
export function ringMemory(capacity: number): RingMemory {
  const size = 2 ** Math.ceil(Math.log2(capacity));
  return {
    ends: new Int32Array(new SharedArrayBuffer(2 * READ * Int32Array.BYTES_PER_ELEMENT)),
    cells: new Float64Array(new SharedArrayBuffer(size * Float64Array.BYTES_PER_ELEMENT)),
  };
}

export class RingWriter {
  readonly #ends: Int32Array;
  readonly #cells: Float64Array;
  #pushed: number;
  /** As far as the reader had come at the last look. */
  #read: number;

  constructor({ ends, cells }: RingMemory) {
    this.#ends = ends;
    this.#cells = cells;
    this.#pushed = Atomics.load(ends, PUBLISHED);
    this.#read = Atomics.load(ends, READ);
  }

  /** Whoever uses the ring knows a bound on what can be unread, so overflow is a bug. */
  push(value: number): void {
    if (((this.#pushed - this.#read) | 0) === this.#cells.length) {
      this.#read = Atomics.load(this.#ends, READ);
      assert(((this.#pushed - this.#read) | 0) < this.#cells.length, 'the ring overflowed');
    }
    this.#cells[this.#pushed & (this.#cells.length - 1)] = value;
    this.#pushed = (this.#pushed + 1) | 0;
  }

  publish(): void {
    Atomics.store(this.#ends, PUBLISHED, this.#pushed);
    Atomics.notify(this.#ends, PUBLISHED);
  }
}

export class RingReader {
  readonly #ends: Int32Array<SharedArrayBuffer>;
  readonly #cells: Float64Array;
  #taken: number;
  /** As far as the writer had come at the last look. */
  #published: number;
  #waiting = false;

  constructor({ ends, cells }: RingMemory) {
    this.#ends = ends;
    this.#cells = cells;
    this.#taken = Atomics.load(ends, READ);
    this.#published = this.#taken;
  }

  /** How many numbers there are to take, by a new look. */
  look(): number {
    this.#published = Atomics.load(this.#ends, PUBLISHED);
    return (this.#published - this.#taken) | 0;
  }

  /** The next number, which stays; only within what the last look has shown. */
  peek(): number {
    assert(this.#taken !== this.#published, 'nothing is there to be read');
    return this.#cells[this.#taken & (this.#cells.length - 1)] as number;
  }

  take(): number {
    const value = this.peek();
    this.#taken = (this.#taken + 1) | 0;
    return value;
  }

  /** Gives back the room of what was taken. */
  release(): void {
    Atomics.store(this.#ends, READ, this.#taken);
  }

  /** Calls back once, when the writer has published more than at the last look; never before this returns. */
  wait(callback: () => void): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const { value } = Atomics.waitAsync(this.#ends, PUBLISHED, this.#published);
    void Promise.resolve(value).then(() => {
      this.#waiting = false;
      callback();
    });
  }

  /** Calls back whoever waits, although nothing may have come: V8 keeps a wait that never ends, and the ring with it. */
  endWait(): void {
    Atomics.notify(this.#ends, PUBLISHED);
  }
}

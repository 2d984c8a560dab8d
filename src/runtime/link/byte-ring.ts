/**
 * Allocates pieces of a ring buffer. Each piece is contiguous: one that does not fit before the end of the buffer starts at 0. This class
 * only computes offsets. The writer of the buffer owns it, and says which piece is the oldest in use.
 */
export class ByteRing {
  readonly #size: number;
  /** Start of the next piece; counts up without wrapping. */
  #head = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Counts up without wrapping; what `reserve` takes as `tail`. */
  get head(): number {
    return this.#head;
  }

  /**
   * Finds room for a piece of `length` bytes, without taking it.
   *
   * @param tail the `head` before the oldest piece in use; undefined when none is. Then the ring starts at 0 again, so a ring that is never
   *   full touches only a part of its memory.
   * @returns the offset of the piece; undefined when there is no room. An empty ring has room for every piece that is not larger than it.
   */
  reserve(length: number, tail: number | undefined): number | undefined {
    if (tail === undefined) this.#head = Math.ceil(this.#head / this.#size) * this.#size;
    const start = this.#startOf(length);
    // In an empty ring the bytes that are skipped at the end are not in use.
    const oldest = tail === undefined || tail === this.#head ? start : tail;
    return start + length - oldest <= this.#size ? start % this.#size : undefined;
  }

  /** Takes the first `length` bytes of the room that `reserve(reserved)` has found. */
  take(length: number, reserved = length): void {
    this.#head = this.#startOf(reserved) + length;
  }

  #startOf(length: number): number {
    const offset = this.#head % this.#size;
    return offset + length > this.#size ? this.#head + this.#size - offset : this.#head;
  }
}

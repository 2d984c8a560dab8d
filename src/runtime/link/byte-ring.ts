/**
 * Where the pieces of a byte ring lie: each in one stretch, so one that does not fit before the end begins again at 0. Only
 * arithmetic; the writer of the ring keeps it and says what is still in use.
 */
export class ByteRing {
  readonly #size: number;
  /** Where the next piece begins; counts up without wrapping. */
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
   * @param tail the `head` before the oldest piece that is still in use; undefined when there is none: then the ring begins at 0 again, so no more of its
   *   memory is ever touched than was in use at a time.
   * @returns its offset in the ring; undefined when there is no room. An empty ring has room for whatever is not larger than the ring.
   */
  reserve(length: number, tail: number | undefined): number | undefined {
    if (tail === undefined) this.#head = Math.ceil(this.#head / this.#size) * this.#size;
    const start = this.#startOf(length);
    // What is skipped at the end of an empty ring is not in use.
    const oldest = tail === undefined || tail === this.#head ? start : tail;
    return start + length - oldest <= this.#size ? start % this.#size : undefined;
  }

  /** Takes the first `length` bytes of what was reserved, where at most `reserved` bytes were asked for. */
  take(length: number, reserved = length): void {
    this.#head = this.#startOf(reserved) + length;
  }

  #startOf(length: number): number {
    const offset = this.#head % this.#size;
    return offset + length > this.#size ? this.#head + this.#size - offset : this.#head;
  }
}

/**
 * A histogram: counts values in buckets whose bounds grow by a constant factor. The buckets are preallocated, so recording
 * a value costs one logarithm and allocates nothing. The cells may be in shared memory: one thread records, another one
 * reads. On every platform that Warren runs on, a 64-bit cell is read and written in one step.
 *
 *   cells: | sum | up to lowest | … | up to lowest * 2^octaves | above |
 */

export interface HistogramShape {
  /** Upper bound of the first bucket. */
  readonly lowest: number;
  /** Doublings from there to the last finite bound. */
  readonly octaves: number;
  readonly bucketsPerOctave: number;
}

/** Milliseconds, from 1/16 ms to 16 s. */
export const LATENCY_MS: HistogramShape = { lowest: 1 / 16, octaves: 18, bucketsPerOctave: 4 };
/** Pieces, from 1 to about a million. */
export const SIZE: HistogramShape = { lowest: 1, octaves: 20, bucketsPerOctave: 1 };
/** Bytes, from 64 to 64 MiB. */
export const BYTES: HistogramShape = { lowest: 64, octaves: 20, bucketsPerOctave: 1 };

const SUM = 0;
const FIRST = 1;

export function cellsOf({ octaves, bucketsPerOctave }: HistogramShape): number {
  return FIRST + octaves * bucketsPerOctave + 2;
}

export class Histogram {
  readonly shape: HistogramShape;
  readonly #cells: Float64Array;
  readonly #last: number;

  constructor(shape: HistogramShape, cells: Float64Array = new Float64Array(cellsOf(shape))) {
    this.shape = shape;
    this.#cells = cells;
    this.#last = cells.length - FIRST - 1;
  }

  record(value: number, times = 1): void {
    const { lowest, bucketsPerOctave } = this.shape;
    let bucket = 0;
    if (value > lowest) {
      bucket = Math.min(Math.ceil(Math.log2(value / lowest) * bucketsPerOctave), this.#last);
    }
    const cells = this.#cells;
    cells[FIRST + bucket] = (cells[FIRST + bucket] as number) + times;
    cells[SUM] = (cells[SUM] as number) + value * times;
  }

  read(): Distribution {
    return new Distribution(this.shape, this.#cells[SUM] as number, this.#cells.slice(FIRST));
  }
}

/** A histogram at one moment, or what came between two. */
export class Distribution {
  readonly shape: HistogramShape;
  readonly sum: number;
  readonly count: number;
  /** By bucket; the last has no upper bound. */
  readonly counts: Float64Array;

  constructor(shape: HistogramShape, sum: number, counts: Float64Array) {
    this.shape = shape;
    this.sum = sum;
    this.counts = counts;
    this.count = counts.reduce((total, count) => total + count, 0);
  }

  /** Upper bound of a bucket, infinite for the last. */
  bound(bucket: number): number {
    if (bucket >= this.counts.length - 1) return Number.POSITIVE_INFINITY;
    return this.shape.lowest * 2 ** (bucket / this.shape.bucketsPerOctave);
  }

  since(earlier: Distribution): Distribution {
    const counts = this.counts.map((count, bucket) => count - (earlier.counts[bucket] as number));
    return new Distribution(this.shape, this.sum - earlier.sum, counts);
  }

  /** The sum of both. @param other of the same shape. */
  plus(other: Distribution): Distribution {
    const counts = this.counts.map((count, bucket) => count + (other.counts[bucket] as number));
    return new Distribution(this.shape, this.sum + other.sum, counts);
  }

  get mean(): number | undefined {
    return this.count === 0 ? undefined : this.sum / this.count;
  }

  /** Interpolated within its bucket; undefined when nothing was recorded. */
  quantile(share: number): number | undefined {
    if (this.count === 0) return undefined;
    const rank = share * this.count;
    let below = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      const count = this.counts[bucket] as number;
      if (count > 0 && below + count >= rank) {
        const low = bucket === 0 ? 0 : this.bound(bucket - 1);
        const high = Math.min(this.bound(bucket), this.bound(this.counts.length - 2) * 2);
        return low + (high - low) * ((rank - below) / count);
      }
      below += count;
    }
    return undefined;
  }
}

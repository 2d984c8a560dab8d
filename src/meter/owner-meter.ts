/**
 * Counters of the owner thread in shared memory: the owner thread writes, the main thread reads. The memory belongs to the main thread and is given to each owner
 * thread in turn, so counters continue when an owner thread dies.
 *
 *   | figures | loop and heap | commit latency | actors per commit | bytes per commit |
 */
import { BYTES, cellsOf, Histogram, LATENCY_MS, SIZE } from './histogram.js';
import { LOOP_CELLS } from './loop-gauge.js';

/** Counters and gauges, by cell. */
export const FAILURES = 0;
export const REFUSALS = 1;
export const VERSION = 2;
export const STATES = 3;
export const STATE_BYTES = 4;
export const LOADS = 5;
export const EVICTIONS = 6;
export const UNSTORED = 7;
export const RECORD_BYTES = 8;
export const RECORDS_EXPIRED = 9;
const FIGURES = 10;
const LOOP = FIGURES;
const LATENCY = LOOP + LOOP_CELLS;
const GROUP = LATENCY + cellsOf(LATENCY_MS);
const GROUP_BYTES = GROUP + cellsOf(SIZE);
const CELLS = GROUP_BYTES + cellsOf(BYTES);

export class OwnerMeter {
  readonly memory: SharedArrayBuffer;
  /** Time of commits that the store answered, successful or not, in milliseconds. */
  readonly commitLatency: Histogram;
  /** Actors whose states one commit has stored together. */
  readonly groupSizes: Histogram;
  /** Characters of those states. */
  readonly groupBytes: Histogram;
  readonly loop: Float64Array;
  readonly #cells: Float64Array;

  constructor(memory = new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Float64Array(memory);
    this.loop = this.#cells.subarray(LOOP, LATENCY);
    this.commitLatency = new Histogram(LATENCY_MS, this.#cells.subarray(LATENCY, GROUP));
    this.groupSizes = new Histogram(SIZE, this.#cells.subarray(GROUP, GROUP_BYTES));
    this.groupBytes = new Histogram(BYTES, this.#cells.subarray(GROUP_BYTES, CELLS));
  }

  read(figure: number): number {
    return this.#cells[figure] as number;
  }

  set(figure: number, value: number): void {
    this.#cells[figure] = value;
  }

  add(figure: number, count = 1): void {
    this.#cells[figure] = (this.#cells[figure] as number) + count;
  }
}

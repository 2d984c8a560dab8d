/**
 * What the owner has done, in shared memory: the owner thread writes, the main thread reads when it is asked. The
 * memory belongs to the main thread and is handed to each owner in turn, so counts go on over an owner's death.
 *
 *   | counts | loop and heap | commit latency | group size |
 */
import { cellsOf, Histogram, LATENCY_MS, SIZE } from './histogram.js';
import { LOOP_CELLS } from './loop-gauge.js';

const TURNS = 0;
const FAILURES = 1;
const REFUSALS = 2;
const STORED_STATE = 3;
const COUNTS = 4;
const LOOP = COUNTS;
const LATENCY = LOOP + LOOP_CELLS;
const GROUP = LATENCY + cellsOf(LATENCY_MS);
const CELLS = GROUP + cellsOf(SIZE);

export class OwnerMeter {
  readonly memory: SharedArrayBuffer;
  /** Of commits that were answered, whatever the answer, in milliseconds. */
  readonly commitLatency: Histogram;
  /** Steps that one commit has made durable together: for the sequence, numbers handed out. */
  readonly groupSizes: Histogram;
  readonly loop: Float64Array;
  readonly #cells: Float64Array;

  constructor(memory = new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Float64Array(memory);
    this.loop = this.#cells.subarray(LOOP, LATENCY);
    this.commitLatency = new Histogram(LATENCY_MS, this.#cells.subarray(LATENCY, GROUP));
    this.groupSizes = new Histogram(SIZE, this.#cells.subarray(GROUP, CELLS));
  }

  get turns(): number {
    return this.#cells[TURNS] as number;
  }

  /** Commits without an answer, or answered with an error. */
  get failures(): number {
    return this.#cells[FAILURES] as number;
  }

  /** Commits that found another record than expected, or another's lease. */
  get refusals(): number {
    return this.#cells[REFUSALS] as number;
  }

  /** The state in the last commit that went through. */
  get storedState(): number {
    return this.#cells[STORED_STATE] as number;
  }

  addTurns(count: number): void {
    this.#add(TURNS, count);
  }

  addFailure(): void {
    this.#add(FAILURES, 1);
  }

  addRefusal(): void {
    this.#add(REFUSALS, 1);
  }

  addCommit(steps: number, state: number): void {
    // A new owner's first commit takes the record over and moves nothing: it is no group.
    if (steps > 0) this.groupSizes.record(steps);
    this.#cells[STORED_STATE] = state;
  }

  #add(cell: number, count: number): void {
    this.#cells[cell] = (this.#cells[cell] as number) + count;
  }
}

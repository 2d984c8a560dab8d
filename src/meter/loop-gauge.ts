/**
 * Watches the event loop and the heap of the thread that it is made on, and writes what it sees once a second into four
 * cells, which may lie in shared memory.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { HEAP_CELLS, type HeapFigures, noteHeap, readHeap } from './heap-gauge.js';

export interface LoopFigures extends HeapFigures {
  /** Share of the last second in which the loop was busy, 0 to 1. */
  readonly utilization: number;
  /** How much later than due the loop came around in the last second, at the worst, in milliseconds. */
  readonly lagMs: number;
}

const HEAP = 2;
export const LOOP_CELLS = HEAP + HEAP_CELLS;

const PERIOD_MS = 1000;
const RESOLUTION_MS = 20;

/** Runs as long as the thread, without keeping it alive. */
export function watchLoop(cells: Float64Array): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let before = performance.eventLoopUtilization();
  const heap = cells.subarray(HEAP);
  const look = () => {
    const now = performance.eventLoopUtilization();
    cells[0] = performance.eventLoopUtilization(now, before).utilization;
    // What is measured is the time between two ticks, which is the resolution at the least.
    cells[1] = Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
    noteHeap(heap);
    before = now;
    delays.reset();
  };
  // There is no second to look back on yet, and the cells may still hold the last one of a thread that has ended.
  cells.fill(0, 0, HEAP);
  noteHeap(heap);
  setInterval(look, PERIOD_MS).unref();
}

export function readLoop(cells: Float64Array): LoopFigures {
  const [utilization = 0, lagMs = 0] = cells;
  return { utilization, lagMs, ...readHeap(cells.subarray(HEAP)) };
}

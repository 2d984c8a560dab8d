/** The piscina pool that renders pages. Its bounds are explicit: threads, queue, heap. */
import { Piscina } from 'piscina';
import { HEAP_CELLS, type HeapFigures, readHeap } from '../meter/heap-gauge.js';
import type { RenderTask } from './render.js';

const ENTRY = new URL('../../workers/format.js', import.meta.url);

export interface FormatPoolOptions {
  readonly threads: number;
  /** Heap limit of each thread's old generation, in MiB. */
  readonly heapMb: number;
  readonly memory: WebAssembly.Memory;
}

export interface FormatPool {
  /** @throws whatever ended the task, its thread's death included. */
  render(task: RenderTask): Promise<void>;
  close(): Promise<void>;
}

/** The real pool, with what an operator wants to know of it. */
export interface RunningFormatPool extends FormatPool {
  /** Pages that wait for a thread. */
  readonly queued: number;
  readonly pagesRendered: number;
  /** From giving a page to a thread to having it, summed, in milliseconds. */
  readonly renderMs: number;
  /** Of the thread that rendered last. */
  readonly heap: HeapFigures;
}

export function startFormatPool({ threads, heapMb, memory }: FormatPoolOptions): RunningFormatPool {
  const heap = new Float64Array(new SharedArrayBuffer(HEAP_CELLS * Float64Array.BYTES_PER_ELEMENT));
  const pool = new Piscina<RenderTask, void>({
    filename: ENTRY.href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    // Tasks are given one after the other, so one waits at the most.
    maxQueue: threads + 1,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 24 },
    workerData: { memory, heap },
  });
  let pagesRendered = 0;
  let renderMs = 0;
  return {
    get queued() {
      return pool.queueSize;
    },
    get pagesRendered() {
      return pagesRendered;
    },
    get renderMs() {
      return renderMs;
    },
    get heap() {
      return readHeap(heap);
    },
    async render(task) {
      const start = performance.now();
      await pool.run(task);
      pagesRendered += task.regions.length;
      renderMs += performance.now() - start;
    },
    close: () => pool.destroy(),
  };
}

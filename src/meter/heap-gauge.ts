/** The size and limit of one thread's heap, in two cells that may be shared memory. That thread writes them, another thread reads them. */
import { getHeapStatistics } from 'node:v8';

export interface HeapFigures {
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
}

export const HEAP_CELLS = 2;

/** Of the thread that calls. */
export function noteHeap(cells: Float64Array): void {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  cells[0] = used_heap_size;
  cells[1] = heap_size_limit;
}

export function readHeap(cells: Float64Array): HeapFigures {
  const [heapBytes = 0, heapLimitBytes = 0] = cells;
  return { heapBytes, heapLimitBytes };
}

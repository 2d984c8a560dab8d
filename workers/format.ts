/** Thread entry of the format pool: one decimal kernel on the shared page memory, a few pages per task. */
import { workerData } from 'node:worker_threads';
import { type RenderTask, render } from '../src/format/render.js';
import { noteHeap } from '../src/meter/heap-gauge.js';
import { createDecimalKernel } from '../src/sequence/decimal-kernel.js';

const { memory, heap } = workerData as { memory: WebAssembly.Memory; heap: Float64Array };
const kernel = createDecimalKernel(memory);
noteHeap(heap);

export default function run(task: RenderTask): void {
  render(task, kernel, memory);
  noteHeap(heap);
}

/**
 * What a format thread does: one task is one page. The terms in shared memory are the only state, so any thread can
 * take any task, and a task whose thread has died is simply given again.
 */
import { type DecimalKernel, type DigitSpan, TERM_MARGIN } from '../sequence/decimal-kernel.js';
import { fibonacciPair } from '../sequence/fibonacci.js';

export type RenderTask =
  /** Starts at any index, by fast doubling and two conversions to decimal. */
  | { readonly kind: 'jump'; readonly first: number; readonly region: DigitSpan }
  /** Goes on after two consecutive terms. */
  | { readonly kind: 'continue'; readonly a: DigitSpan; readonly b: DigitSpan; readonly region: DigitSpan };

/** @returns the number of terms in the page. */
export function render(task: RenderTask, kernel: DecimalKernel, memory: WebAssembly.Memory): number {
  if (task.kind === 'continue') return kernel.fill(task.a, task.b, task.region);
  const { first, region } = task;
  const bytes = Buffer.from(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const top = region.end / 4 - 1;
  const seeds: DigitSpan[] = [];
  let start = region.start + TERM_MARGIN;
  for (const [k, value] of fibonacciPair(first).entries()) {
    const digits = value.toString();
    const end = start + digits.length;
    if (end + TERM_MARGIN > region.end - 16)
      throw new RangeError('the region has no room for its first two terms');
    bytes.write(digits, start, 'latin1');
    words[top - k] = start;
    seeds.push({ start, end });
    start = end + TERM_MARGIN;
  }
  const [a, b] = seeds as [DigitSpan, DigitSpan];
  // Behind the two seeds the kernel lays out terms and table just as for a page of its own.
  return seeds.length + kernel.fill(a, b, { start: b.end, end: region.end - 4 * seeds.length });
}

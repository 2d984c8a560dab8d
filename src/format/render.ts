/**
 * What a format thread does: one task is a few pages in a row. The terms in shared memory are the only state, so any thread can
 * take any task, and a task whose thread has died is simply given again.
 */
import { type DecimalKernel, type DigitSpan, TERM_MARGIN } from '../sequence/decimal-kernel.js';
import { fibonacciPair } from '../sequence/fibonacci.js';
import { Page } from './page.js';

export interface RenderTask {
  /** An index, reached by fast doubling and two conversions to decimal; or the two terms before the first one. */
  readonly from: number | readonly [a: DigitSpan, b: DigitSpan];
  /** One for each page, in order. */
  readonly regions: readonly DigitSpan[];
  /** In shared memory, zeroes: the number of terms of each page is told here as soon as the page is there. */
  readonly counts: Int32Array;
}

/** At least two, from which the next page continues. */
export const MIN_TERMS = 2;

/** @throws {RangeError} when a page has room for less than two terms; the pages before it are good. */
export function render(
  { from, regions, counts }: RenderTask,
  kernel: DecimalKernel,
  memory: WebAssembly.Memory,
): void {
  const words = new Uint32Array(memory.buffer);
  let before = from;
  for (const [at, region] of regions.entries()) {
    const count =
      typeof before === 'number' ? jump(before, region, kernel, memory) : kernel.fill(...before, region);
    if (count < MIN_TERMS) throw new RangeError(`a page of ${count} terms`);
    const page = new Page(0, count, region, words);
    before = [page.digits(count - 2), page.digits(count - 1)];
    Atomics.store(counts, at, count);
  }
}

function jump(first: number, region: DigitSpan, kernel: DecimalKernel, memory: WebAssembly.Memory): number {
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

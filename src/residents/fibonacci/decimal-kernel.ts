/**
 * Continues an additive sequence in decimal digits, inside memory that several threads share: what a page is rendered with. This
 * file owns the contract of a kernel and the choice between its two forms. A kernel belongs to the thread that created it and keeps
 * nothing between calls; the terms in memory are the only state.
 *
 * A region after `fill` returned 2:
 *
 *   start                                                                                                       end
 *   | margin | digits of term 0 | margin | digits of term 1 | margin |  free  | entry(2) | entry(1) | entry(0) |
 *            ^entry(0)                   ^entry(1)                   ^entry(2)
 *
 * entry(k), the address of the first digit of term k, is the little-endian u32 at `region.end - 4 * (k + 1)`, and the digits of
 * term k end at `entry(k + 1) - TERM_MARGIN`.
 */

import { readFileSync } from 'node:fs';
import { JavaScriptKernel } from './javascript-kernel.js';

/** A run of ASCII digits: byte addresses [start, end) in the shared memory. */
export interface DigitSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes kept free before the first digit of every term and after the last digit of the last one: another thread writes the JSON
 * around the digits there, at any time after `fill` has returned. A kernel reads no meaning into them.
 */
export const TERM_MARGIN = 16;

/** More digits than any service hands out; with `MAX_MEMORY_BYTES` it keeps address sums within 32 bits. */
const MAX_DIGITS = 2 ** 28;
const MAX_MEMORY_BYTES = 2 ** 31;

export interface DecimalKernel {
  readonly name: 'wasm-simd' | 'javascript';

  /**
   * Writes the terms a+b, b+(a+b), … into `region` until the next would not fit, and returns how many it wrote: 0 when not even the
   * first one fits. The entry table has one entry more than that.
   *
   * `a`, `b`: two consecutive terms, digits only, most significant first, without leading zeros ("0" itself is a term), at any
   * address outside the region. `region.end` is a multiple of 4, and the region has room for one margin and one entry.
   *
   * Bytes outside the region are never written; inside it, margins and free bytes are.
   *
   * @throws {RangeError} for spans that break these rules or leave the memory: an error of the caller.
   */
  fill(a: DigitSpan, b: DigitSpan, region: DigitSpan): number;
}

export interface DecimalKernelOptions {
  /** Asks for one form; by default SIMD where the engine has it. */
  readonly prefer?: DecimalKernel['name'];
}

/**
 * `memory` is shared, of a fixed size of at most 2 GiB. Synchronous: a module is a few kilobytes.
 *
 * @throws {RangeError} for a larger memory, {Error} when SIMD is asked for and the engine has none.
 */
export function createDecimalKernel(
  memory: WebAssembly.Memory,
  options: DecimalKernelOptions = {},
): DecimalKernel {
  const byteLength = memory.buffer.byteLength;
  if (byteLength > MAX_MEMORY_BYTES) throw new RangeError(`memory of ${byteLength} bytes is above 2 GiB`);
  const module = options.prefer === 'javascript' ? undefined : loadModule();
  if (module === undefined && options.prefer === 'wasm-simd')
    throw new Error('this engine has no WebAssembly SIMD');
  const fill = module === undefined ? javaScriptFill(memory) : instantiate(module, memory);
  return {
    name: module === undefined ? 'javascript' : 'wasm-simd',
    fill(a, b, region) {
      checkSpans(a, b, region, byteLength);
      return fill(a.start, a.end, b.start, b.end, region.start, region.end);
    },
  };
}

type Fill = (
  aStart: number,
  aEnd: number,
  bStart: number,
  bEnd: number,
  regionStart: number,
  regionEnd: number,
) => number;

/**
 * One source, built twice. With relaxed SIMD (Node 22 and later) reversing a vector is one instruction instead of three, worth a
 * fifth of the time. What an engine has is asked with the module itself.
 */
function loadModule(): WebAssembly.Module | undefined {
  for (const file of ['./decimal-kernel-relaxed.wasm', './decimal-kernel.wasm']) {
    const bytes = readFileSync(new URL(file, import.meta.url));
    if (WebAssembly.validate(bytes)) return new WebAssembly.Module(bytes);
  }
  return undefined;
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Fill {
  const { fill, prepare } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  if (typeof fill !== 'function' || typeof prepare !== 'function') {
    throw new TypeError('the decimal kernel does not export "fill" and "prepare"');
  }
  prepare();
  return fill as Fill;
}

function javaScriptFill(memory: WebAssembly.Memory): Fill {
  const kernel = new JavaScriptKernel(memory.buffer, TERM_MARGIN);
  return kernel.fill.bind(kernel);
}

function checkSpans(a: DigitSpan, b: DigitSpan, region: DigitSpan, byteLength: number): void {
  for (const span of [a, b, region]) {
    const inside = Number.isInteger(span.start) && Number.isInteger(span.end) && span.start >= 0;
    if (!inside || span.start >= span.end || span.end > byteLength) {
      throw new RangeError(`[${span.start}, ${span.end}) is no span of a memory of ${byteLength} bytes`);
    }
  }
  if (region.end % 4 !== 0) throw new RangeError(`the region ends at ${region.end}, no multiple of 4`);
  if (region.end - region.start < TERM_MARGIN + 4)
    throw new RangeError('the region has no room for a margin and an entry');
  for (const { start, end } of [a, b]) {
    if (end - start > MAX_DIGITS)
      throw new RangeError(`a term of ${end - start} digits is above ${MAX_DIGITS}`);
    if (start < region.end && end > region.start)
      throw new RangeError('a term lies in the region that is to be written');
  }
}

/**
 * Time per term of the decimal kernel, beside what else could write the same digits: the plain JavaScript kernel, BigInt addition
 * with conversion, and a bare copy of finished digits. `node dist/bench/micro/decimal-kernel.js [--json]`, after `npm run build`.
 *
 * Every method works on the same page of consecutive Fibonacci numbers. Methods take turns within a round, so a slow spell of the
 * machine slows all of them; ratios are taken inside a round, and their median is what counts. "In cache" writes one page again and
 * again, "in memory" walks over pages that no cache holds together.
 */

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { createDecimalKernel, type DigitSpan } from '../../src/residents/fibonacci/decimal-kernel.js';
import { summaryBar } from '../bars.js';
import type { Bar } from '../measurement.js';
import { barTable } from '../report/bar-table.js';
import { markdown } from '../report/table.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ROUNDS = 21;
/** What one method works in one round, if a single page does not take longer. */
const SLICE_MS = 4;
/** Small enough for the second-level cache of a server core, operands included; five terms of 209,000 digits. */
const CACHED_PAGE_BYTES = MIB;
const MEMORY_BYTES = 96 * MIB;
const OPERANDS_AT = 64;
const COPY_SOURCE_AT = 2 * MIB;
const PAGES_AT = 4 * MIB;
const COPY_PIECE_BYTES = 64 * KIB;

const CASES = [
  { digits: 20, terms: 32 },
  { digits: 200, terms: 64 },
  { digits: 2000, terms: 64 },
  { digits: 20_000, terms: 50 },
  { digits: 209_000, terms: 5 },
];

/** What was promised of the SIMD kernel, by digits. */
const BARS = {
  nsPerTerm: new Map([[20, 20]]),
  gbPerSecond: new Map([
    [2000, 8],
    [20_000, 8],
    [209_000, 8],
  ]),
  timesBigint: new Map([
    [2000, 150],
    [20_000, 700],
    [209_000, 1500],
  ]),
};

const METHODS = ['simd', 'simd in memory', 'javascript', 'copy', 'copy in memory', 'bigint'] as const;
type Method = (typeof METHODS)[number];

interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

interface Row {
  readonly digits: number;
  readonly terms: number;
  readonly pageBytes: number;
  readonly nsPerTerm: Record<Method, Spread>;
  readonly gbPerSecond: Record<Method, Spread>;
  /** How many times the SIMD kernel's time each method takes; for the memory forms, the SIMD kernel's time in memory. */
  readonly timesSimd: Record<Method, Spread>;
}

const pages = Math.ceil(MEMORY_BYTES / (64 * KIB));
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const bytes = new Uint8Array(memory.buffer);
const simd = createDecimalKernel(memory, { prefer: 'wasm-simd' });
const plain = createDecimalKernel(memory, { prefer: 'javascript' });

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const rows = CASES.map(({ digits, terms }) => measure(digits, terms));
if (flags.json) console.log(JSON.stringify({ ...environment(), rounds: ROUNDS, rows }, null, 2));
else {
  print(rows);
  console.log(`\n${markdown(barTable(rows.flatMap(barsOf)))}\n`);
}

function measure(digits: number, terms: number): Row {
  const [first, second] = consecutiveTerms(digits);
  const a = put(first.toString(), OPERANDS_AT);
  const b = put(second.toString(), a.end + 32);
  // Terms grow by a digit every fifth one or so.
  const wanted = terms * (digits + Math.ceil(terms / 4) + 20) + 20;
  const pageBytes = Math.min(CACHED_PAGE_BYTES, (wanted + 63) & ~63);
  const page = { start: PAGES_AT, end: PAGES_AT + pageBytes };
  const count = simd.fill(a, b, page);
  const view = new DataView(memory.buffer);
  const used = view.getUint32(page.end - 4 * (count + 1), true) - page.start;
  const digitBytes = used - 16 * (count + 1);

  let away = PAGES_AT;
  const nextPage = (): DigitSpan => {
    away = away + 2 * pageBytes > MEMORY_BYTES ? PAGES_AT : away + pageBytes;
    return { start: away, end: away + pageBytes };
  };
  const methods: Record<Method, () => void> = {
    simd: () => simd.fill(a, b, page),
    'simd in memory': () => simd.fill(a, b, nextPage()),
    javascript: () => plain.fill(a, b, page),
    copy: () => copy(page.start, used),
    'copy in memory': () => copy(nextPage().start, used),
    bigint: () => addAndConvert(first, second, count),
  };

  const times = Object.fromEntries(METHODS.map((name) => [name, [] as number[]])) as Record<Method, number[]>;
  const repetitions = Object.fromEntries(METHODS.map((name) => [name, calibrate(methods[name])]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of METHODS) {
      times[name].push(timeOf(methods[name], repetitions[name] ?? 1) / count);
    }
  }
  const each = (figure: (name: Method) => number[]): Record<Method, Spread> =>
    Object.fromEntries(METHODS.map((name) => [name, spread(figure(name))])) as Record<Method, Spread>;
  return {
    digits,
    terms: count,
    pageBytes,
    nsPerTerm: each((name) => times[name]),
    gbPerSecond: each((name) => times[name].map((ns) => digitBytes / count / ns)),
    timesSimd: each((name) => {
      const base = times[name === 'copy in memory' ? 'simd in memory' : 'simd'];
      return times[name].map((ns, round) => ns / (base[round] ?? Number.NaN));
    }),
  };
}

/** F(n), F(n+1), with n the first index whose term has that many digits. */
function consecutiveTerms(digits: number): [bigint, bigint] {
  const logPhi = Math.log10((1 + Math.sqrt(5)) / 2);
  const n = Math.ceil((digits - 1 + Math.log10(5) / 2) / logPhi);
  let [x, y] = [0n, 1n];
  for (const bit of n.toString(2)) {
    [x, y] = [x * (2n * y - x), x * x + y * y];
    if (bit === '1') [x, y] = [y, x + y];
  }
  return [x, y];
}

function put(text: string, at: number): DigitSpan {
  Buffer.from(memory.buffer).write(text, at, 'latin1');
  return { start: at, end: at + text.length };
}

/** In pieces that stay in cache between their read and their write, as the fastest copy does. */
function copy(to: number, length: number): void {
  for (let done = 0; done < length; done += COPY_PIECE_BYTES) {
    const from = COPY_SOURCE_AT + done;
    bytes.copyWithin(to + done, from, from + Math.min(COPY_PIECE_BYTES, length - done));
  }
}

/** Sums up the lengths, so that no engine can leave the conversions out. */
function addAndConvert(first: bigint, second: bigint, terms: number): number {
  let [x, y] = [first, second];
  let length = 0;
  for (let k = 0; k < terms; k += 1) {
    [x, y] = [y, x + y];
    length += y.toString().length;
  }
  return length;
}

/** Warms the method up until V8 has optimized it, and returns how often it runs in a slice, judged by its best run. */
function calibrate(run: () => void): number {
  const until = performance.now() + 40 * SLICE_MS;
  let best = Number.POSITIVE_INFINITY;
  for (let runs = 0; performance.now() < until || runs < 2; runs += 1) best = Math.min(best, timeOf(run, 1));
  return Math.max(1, Math.round((SLICE_MS * 1e6) / best));
}

/** Nanoseconds per run. */
function timeOf(run: () => void, repetitions: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < repetitions; i += 1) run();
  return Number(process.hrtime.bigint() - start) / repetitions;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((x, y) => x - y);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { low: at(0.1), median: at(0.5), high: at(0.9) };
}

function environment(): { node: string; cpu: string; commit: string } {
  const cpu = cpus()[0]?.model ?? 'unknown';
  return { node: process.version, cpu, commit: commit() };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function print(table: readonly Row[]): void {
  const { node, cpu, commit: hash } = environment();
  console.log(
    `decimal kernel, ${hash}, Node ${node}, ${cpu}, ${ROUNDS} interleaved rounds, median (10 % to 90 %)\n`,
  );
  console.log('| digits | page | method | ns per term | GB/s | time in units of the SIMD kernel |');
  console.log('| ---: | ---: | --- | ---: | ---: | ---: |');
  for (const row of table) {
    for (const name of METHODS) {
      const cells = [row.nsPerTerm[name], row.gbPerSecond[name], row.timesSimd[name]].map(show);
      const page = `${row.terms} terms, ${Math.ceil(row.pageBytes / KIB)} KiB`;
      console.log(`| ${row.digits} | ${page} | ${name} | ${cells.join(' | ')} |`);
    }
  }
}

function barsOf({ digits, nsPerTerm, gbPerSecond, timesSimd }: Row): Bar[] {
  const bar = (
    what: string,
    direction: Bar['direction'],
    bound: number | undefined,
    { low, median, high }: Spread,
    unit: string,
  ): Bar[] =>
    bound === undefined
      ? []
      : [
          summaryBar(
            `${digits.toLocaleString('en-US')} digits: ${what}`,
            direction,
            bound,
            { median, min: low, max: high },
            unit,
          ),
        ];
  return [
    ...bar('time of a term', 'at most', BARS.nsPerTerm.get(digits), nsPerTerm.simd, 'ns'),
    ...bar('digits in cache', 'at least', BARS.gbPerSecond.get(digits), gbPerSecond.simd, 'GB/s'),
    ...bar('against BigInt', 'at least', BARS.timesBigint.get(digits), timesSimd.bigint, '×'),
  ];
}

function show({ low, median, high }: Spread): string {
  return `${short(median)} (${short(low)} to ${short(high)})`;
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

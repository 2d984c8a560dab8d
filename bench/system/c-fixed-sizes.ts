/**
 * (c) Numbers of fixed sizes, 100 connections: `/current` for everyone, and `/next` from the same indexes for Warren and
 * the ceiling. A `/next` makes the next number longer, and a second of them from 20 digits ends beyond 10,000; so each
 * round begins on new servers, warmed up by the `/next` that lead to the first index, where there are enough of
 * them, and the ceiling's bodies grow alike. The peers convert for every answer, as each `/next`
 * makes them do; theirs could be kept from one `/current` to the next, but nobody asks a sequence for that.
 */
import { figureBar, measured, objectionTo, ratioBar } from '../bars.js';
import { CEILING, exactPeers, warrenInMemory } from '../contestants.js';
import { digitsAt, indexWithDigits } from '../digits.js';
import type { Bar, Measurement, Table } from '../measurement.js';
import { type Pace, planOf, race } from '../race.js';
import { figures, loadTable } from '../report/table.js';
import { type BenchContext, type Scenario, sumOf } from '../scenario.js';
import { summarize } from '../statistics.js';

const LARGEST = 209_000;
const SIZES = [20, 200, 2_000, 20_000, LARGEST];
/** The largest size stands near index 1,000,000, and memory there has a bar of its own. */
const MEMORY_BAR_MB = 300;
const BAR = 0.9;
const CONNECTIONS = 100;
/** As many `/next` make a server warm, and take it at most from 7,000 to 20,000 digits. */
const WARM_UP = 60_000;
const MIN_WARM_UP = 5_000;
const WARREN = warrenInMemory('async');
const CONTESTANTS = [CEILING, WARREN];

interface Part {
  readonly path: '/current' | '/next';
  readonly size: number;
  readonly pace: Pace;
}

function partsOf({ quick }: BenchContext): Part[] {
  const pace = { rounds: quick ? 1 : 3, seconds: 1, warmUp: true };
  const reads = quick ? [20, 2_000, LARGEST] : SIZES;
  const writes = quick ? [] : SIZES;
  return [
    ...reads.map((size) => ({ path: '/current' as const, size, pace })),
    // At the largest size some seconds of /next make the numbers hardly longer.
    ...writes.map((size) => ({ path: '/next' as const, size, pace: { ...pace, ...freshPace(size) } })),
  ];
}

function freshPace(size: number): Partial<Pace> {
  if (size === LARGEST) return {};
  const index = indexOf(size);
  return { fresh: true, warmUpRequests: index < MIN_WARM_UP ? 0 : Math.min(WARM_UP, index) };
}

function indexOf(size: number): number {
  return size === LARGEST ? 1_000_000 : indexWithDigits(size);
}

function peersOf({ path }: Part, { quick }: BenchContext) {
  return path === '/current' ? exactPeers(quick) : [];
}

export const fixedSizes: Scenario = {
  key: 'c',
  title: 'Numbers of fixed sizes',

  plan: (context) =>
    sumOf(
      partsOf(context).map((part) => planOf(part.pace, CONTESTANTS.length, peersOf(part, context).length)),
    ),

  async run(context) {
    const tables: Table[] = [];
    const bars: Bar[] = [];
    const measurements: Measurement[] = [];
    for (const part of partsOf(context)) {
      const { path, size, pace } = part;
      const index = indexOf(size);
      const from = path === '/next' && pace.fresh ? ' from' : ',';
      const workload = `${path}${from} ${digitsAt(index).toLocaleString('en-US')} digits`;
      const results = await race(context, {
        ...pace,
        workload,
        contestants: CONTESTANTS,
        once: peersOf(part, context),
        load: { path, connections: CONNECTIONS },
        initialIndex: index - (pace.warmUpRequests ?? 0),
        ...(path === '/current' ? { digits: size } : {}),
      });
      const [ceiling, warren] = [measured(results, CEILING), measured(results, WARREN)];
      tables.push(loadTable(workload, results));
      const text = `async, ${workload}`;
      bars.push(
        ...ratioBar(`${text}: throughput`, 'at least', BAR, 'requestsPerSecond', warren, ceiling),
        ...(size === LARGEST && warren ? [memoryBar(text, warren)] : []),
      );
      measurements.push(...results);
    }
    return { key: 'c', title: this.title, tables, bars, measurements, notes: [] };
  },
};

function memoryBar(text: string, warren: Measurement): Bar {
  const peak = summarize(figures(warren, 'peakMemoryMb')).max;
  return figureBar(`${text}: peak memory`, 'at most', MEMORY_BAR_MB, peak, 'MiB', objectionTo(warren));
}

/**
 * (c) Numbers of fixed sizes, 100 connections: `/current` for everyone, and `/next` from the same indexes for Warren and
 * the ceiling, whose numbers then grow alike. The peers convert for every answer, as each `/next` makes them do;
 * theirs could be kept from one `/current` to the next, but nobody asks a sequence for that.
 */
import { figureBar, measured, ratioBar } from '../bars.js';
import { CEILING, exactPeers, warrenInMemory } from '../contestants.js';
import { digitsAt, indexWithDigits } from '../digits.js';
import type { Bar, Measurement, Table } from '../measurement.js';
import { race, stepsOf } from '../race.js';
import { figures, loadTable } from '../report/table.js';
import type { BenchContext, Scenario } from '../scenario.js';
import { summarize } from '../statistics.js';

const SIZES = [20, 200, 2_000, 20_000, 209_000];
/** From here on a second of `/next` makes the numbers only a little longer. */
const SIZES_OF_NEXT = [20_000, 209_000];
/** The largest size stands near index 1,000,000, and memory there has a bar of its own. */
const MEMORY_BAR_MB = 300;
const CONNECTIONS = 100;
const WRITERS = [CEILING, warrenInMemory('async')];

function plan({ quick }: BenchContext) {
  return {
    rounds: quick ? 1 : 2,
    sizes: quick ? [20, 2_000, 209_000] : SIZES,
    sizesOfNext: quick ? [] : SIZES_OF_NEXT,
    readers: [...WRITERS, ...exactPeers(quick)],
  };
}

export const fixedSizes: Scenario = {
  key: 'c',
  title: 'Numbers of fixed sizes',

  steps(context) {
    const { rounds, sizes, sizesOfNext, readers } = plan(context);
    return (
      sizes.length * stepsOf({ contestants: readers.length, rounds, warmUp: false }) +
      sizesOfNext.length * stepsOf({ contestants: WRITERS.length, rounds, warmUp: false })
    );
  },

  async run(context) {
    const { rounds, sizes, sizesOfNext, readers } = plan(context);
    const tables: Table[] = [];
    const bars: Bar[] = [];
    const measurements: Measurement[] = [];
    for (const [path, list, contestants] of [
      ['/current', sizes, readers],
      ['/next', sizesOfNext, WRITERS],
    ] as const) {
      for (const size of list) {
        const initialIndex = size === 209_000 ? 1_000_000 : indexWithDigits(size);
        const workload = `${path}, ${digitsAt(initialIndex).toLocaleString('en-US')} digits`;
        const results = await race(context, {
          workload,
          contestants,
          load: { path, connections: CONNECTIONS, seconds: 1 },
          rounds,
          warmUp: false,
          initialIndex,
          ...(path === '/current' ? { digits: size } : {}),
        });
        const [ceiling, warren] = [measured(results, CEILING), measured(results, warrenInMemory('async'))];
        tables.push(loadTable(workload, results));
        bars.push(
          ...ratioBar(
            `async, ${workload}: throughput`,
            'at least',
            0.9,
            'requestsPerSecond',
            warren,
            ceiling,
          ),
        );
        if (size === 209_000 && warren) {
          const peak = summarize(figures(warren, 'peakMemoryMb')).max;
          bars.push(figureBar(`async, ${workload}: peak memory`, 'at most', MEMORY_BAR_MB, peak, 'MiB'));
        }
        measurements.push(...results);
      }
    }
    return { key: 'c', title: this.title, tables, bars, measurements, notes: [] };
  },
};

/** What Warren wants to reach in the race, beside what it has reached. Ratios are taken within rounds; medians count. */
import { ratioBar } from '../bars.js';
import type { Bar, Measurement, Sample } from '../measurement.js';
import { figures } from '../report/table.js';
import { summarize } from '../statistics.js';
import { LOADS, type RaceLoad, type RaceResults, workloadOf } from './race-results.js';

const OF_RUNTIME = 15;
const OF_PROGRAM = 0.95;
const P50_OF_PROGRAM = 1.2;
const OF_BARE = 0.9;
const WARREN = 'warren-level';

export function raceBars(results: RaceResults): Bar[] {
  return LOADS.flatMap((load) => barsOf(results, load));
}

function barsOf({ contestants, measurements }: RaceResults, load: RaceLoad): Bar[] {
  const workload = workloadOf(load);
  const nameOf = (id: string) => contestants.find((contestant) => contestant.id === id)?.name;
  const of = (name: string | undefined) =>
    measurements.find((measurement) => measurement.contestant === name && measurement.workload === workload);
  const bar = (
    what: string,
    other: Measurement | undefined,
    figure: keyof Sample,
    direction: Bar['direction'],
    bound: number | undefined,
    id = WARREN,
  ) =>
    ratioBar(
      `${nameOf(id)}, ${what} of “${other?.contestant}”: ${workload}`,
      direction,
      bound,
      figure,
      of(nameOf(id)),
      other,
    );
  const programs = ['lines-level', 'lines-redis'].map((id) => of(nameOf(id)));
  switch (load.connections) {
    case 1:
      return programs.flatMap((program) => bar('p50', program, 'p50', 'at most', P50_OF_PROGRAM));
    case 100: {
      const runtime = contestants
        .filter(({ kind, durable }) => kind === 'runtime' && durable)
        .map(({ name }) => of(name))
        .sort((a, b) => median(b) - median(a))[0];
      return [
        ...bar('answers/s', runtime, 'requestsPerSecond', 'at least', OF_RUNTIME),
        ...bar('p99', runtime, 'p99', 'at most', 1),
        ...programs.flatMap((program) =>
          bar('answers/s', program, 'requestsPerSecond', 'at least', OF_PROGRAM),
        ),
        ...bar('answers/s', programs[1], 'requestsPerSecond', 'at least', undefined, 'warren-redis'),
      ];
    }
    default:
      return [
        ...bar('answers/s', of(nameOf('bare')), 'requestsPerSecond', 'at least', OF_BARE),
        ...programs.flatMap((program) =>
          bar('answers/s', program, 'requestsPerSecond', 'at least', undefined),
        ),
      ];
  }
}

function median(measurement: Measurement | undefined): number {
  return measurement ? summarize(figures(measurement, 'requestsPerSecond')).median : Number.NEGATIVE_INFINITY;
}

import t from 'tap';
import { ratioBar } from '../../../bench/bars.js';
import { type Bar, isMet, type Measurement, type Sample } from '../../../bench/measurement.js';
import { barTable } from '../../../bench/report/bar-table.js';

function measurement(contestant: string, ...rounds: readonly [rate: number, errors: number][]): Measurement {
  const sample = {
    seconds: 1,
    mean: 1,
    p50: 1,
    p90: 1,
    p99: 1,
    p999: 1,
    cpuMicroseconds: 1,
    peakMemoryMb: 1,
  };
  return {
    contestant,
    workload: 'any',
    rounds: rounds.map(
      ([requestsPerSecond, errors]): Sample => ({
        ...sample,
        requests: requestsPerSecond,
        requestsPerSecond,
        errors,
      }),
    ),
  };
}

function barOf(bound: number | undefined, ours: Measurement, baseline: Measurement): Bar {
  const [bar] = ratioBar('throughput', 'at least', bound, 'requestsPerSecond', ours, baseline);
  if (!bar) throw new Error('both were measured');
  return bar;
}

const CEILING = measurement('ceiling', [100, 0], [100, 0], [100, 0]);

t.test('a bar is met by the median of the rounds, and shows their range', async (t) => {
  const bar = barOf(0.9, measurement('Warren', [80, 0], [95, 0], [99, 0]), CEILING);
  t.ok(isMet(bar));
  t.same(barTable([bar]).rows, [['throughput', '≥ 0.9 ×', '0.95 × (0.80–0.99)', 'met']]);
});

t.test('no figure with errors meets a bar, whoever made them', async (t) => {
  const failing = barOf(0.9, measurement('Warren', [99, 0], [99, 2], [99, 1]), CEILING);
  t.notOk(isMet(failing));
  t.equal(barTable([failing]).rows[0]?.[3], 'NOT MET: 3 errors of Warren');
  const flattered = barOf(0.9, measurement('Warren', [99, 0]), measurement('ceiling', [1, 5]));
  t.notOk(isMet(flattered));
  t.equal(barTable([flattered]).rows[0]?.[3], 'NOT MET: 5 errors of ceiling');
});

t.test('a bar that is missed says by how much, and a figure without a bar says nothing', async (t) => {
  const ours = measurement('Warren', [45, 0]);
  t.equal(barTable([barOf(0.9, ours, CEILING)]).rows[0]?.[3], 'MISSED by 50%');
  t.same(barTable([barOf(undefined, ours, CEILING)]).rows[0]?.slice(1), ['–', '0.45 ×', '']);
});

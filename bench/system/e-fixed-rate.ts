/**
 * (e) The test that the original service came with: three loads at once, 1,000 requests a second each, on `/current`,
 * `/next` and `/previous`, with 100 connections each, for 30 seconds in all. Latencies count from when a request fell
 * due (see load/paced.ts), so no answer that came late hides the ones that it has kept waiting.
 */
import { figureBar } from '../bars.js';
import { CEILING, type Contestant, warrenInMemory, warrenOnRedis } from '../contestants.js';
import { type PacedResult, paced } from '../load/paced.js';
import type { Bar, Measurement, Sample } from '../measurement.js';
import { milliseconds, ratio } from '../report/table.js';
import { RunningServer } from '../running-server.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { rotated, summarize } from '../statistics.js';

const PATHS = ['/current', '/next', '/previous'] as const;
const RATE = 1000;
const CONNECTIONS = 100;
const LATENCY_BAR = 1.2;

function rounds({ quick }: BenchContext) {
  return quick ? { rounds: 1, seconds: 3 } : { rounds: 2, seconds: 15 };
}

interface Lane {
  readonly contestant: Contestant;
  readonly server: RunningServer;
  readonly results: Record<(typeof PATHS)[number], (PacedResult & Sample)[]>;
}

export const fixedRate: Scenario = {
  key: 'e',
  title: 'Three loads of 1,000 requests a second each',

  steps: (context) => 3 * rounds(context).rounds,

  async run(context) {
    const plan = rounds(context);
    const redis = await context.startRedis();
    const contestants = [CEILING, warrenInMemory('async'), ...(redis ? [warrenOnRedis('gated', redis)] : [])];
    const lanes: Lane[] = [];
    for (const contestant of contestants) {
      const server = await RunningServer.start(context.scope, contestant, { initialIndex: 0 });
      lanes.push({ contestant, server, results: { '/current': [], '/next': [], '/previous': [] } });
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const lane of rotated(lanes, round)) {
        context.step(`${lane.contestant.name}: fixed rate`);
        await runOnce(lane, plan.seconds);
      }
    }
    const [ceiling, ...others] = lanes as [Lane, ...Lane[]];
    const lateness = Math.max(
      ...lanes.flatMap(({ results }) =>
        PATHS.flatMap((path) => results[path].map((result) => result.lateness)),
      ),
    );
    return {
      key: 'e',
      title: this.title,
      tables: [
        {
          title: `3 × ${RATE} requests/s, ${plan.rounds} × ${plan.seconds} s, latency from when a request fell due`,
          columns: [
            'server',
            'path',
            'mean ms',
            'against ceiling',
            'p50 ms',
            'p90 ms',
            'p99 ms',
            'against ceiling',
            'p99.9 ms',
            'errors',
          ],
          rows: lanes.flatMap((lane) => PATHS.map((path) => rowOf(lane, ceiling, path))),
        },
      ],
      bars: others.flatMap((lane) => barsOf(lane, ceiling)),
      measurements: lanes.flatMap(measurementsOf),
      notes: [
        `the load generator itself was late by ${milliseconds(lateness)} ms at the 99th percentile, which is not counted`,
        ...(redis ? [] : [NO_REDIS]),
      ],
    };
  },
};

async function runOnce({ server, results }: Lane, seconds: number): Promise<void> {
  const before = server.cpuSeconds();
  const loads = PATHS.map((path) =>
    paced({ port: server.port, path, rate: RATE, connections: CONNECTIONS, seconds }),
  );
  const outcomes = await Promise.all(loads);
  const used = server.cpuSeconds() - before;
  const requests = outcomes.reduce((sum, outcome) => sum + outcome.requests, 0);
  for (const [at, path] of PATHS.entries()) {
    const outcome = outcomes[at] as PacedResult;
    results[path].push({
      ...outcome,
      requestsPerSecond: outcome.requests / outcome.seconds,
      cpuMicroseconds: (used * 1e6) / requests,
      peakMemoryMb: server.peakMemoryMb(),
    });
  }
}

type Figure = 'mean' | 'p50' | 'p90' | 'p99' | 'p999';

function median(lane: Lane, path: (typeof PATHS)[number], figure: Figure): number {
  return summarize(lane.results[path].map((result) => result[figure])).median;
}

function against(lane: Lane, ceiling: Lane, path: (typeof PATHS)[number], figure: Figure): number {
  return median(lane, path, figure) / median(ceiling, path, figure);
}

function errors(lane: Lane, path: (typeof PATHS)[number]): number {
  return lane.results[path].reduce((sum, result) => sum + result.errors, 0);
}

function rowOf(lane: Lane, ceiling: Lane, path: (typeof PATHS)[number]): string[] {
  const ms = (figure: Figure) => milliseconds(median(lane, path, figure));
  return [
    lane.contestant.name,
    path,
    ms('mean'),
    ratio(against(lane, ceiling, path, 'mean')),
    ms('p50'),
    ms('p90'),
    ms('p99'),
    ratio(against(lane, ceiling, path, 'p99')),
    ms('p999'),
    `${errors(lane, path)}`,
  ];
}

/** The worst of the three loads counts. */
function barsOf(lane: Lane, ceiling: Lane): Bar[] {
  const worst = (figure: Figure) => Math.max(...PATHS.map((path) => against(lane, ceiling, path, figure)));
  const { name } = lane.contestant;
  const failed = PATHS.reduce((sum, path) => sum + errors(lane, path), 0);
  return [
    figureBar(`${name}: errors`, 'at most', 0, failed, ''),
    figureBar(`${name}: mean latency`, 'at most', LATENCY_BAR, worst('mean'), '×'),
    figureBar(`${name}: p99 latency`, 'at most', LATENCY_BAR, worst('p99'), '×'),
  ];
}

function measurementsOf({ contestant, results }: Lane): Measurement[] {
  return PATHS.map((path) => ({
    contestant: contestant.name,
    workload: `${path} at ${RATE} requests/s`,
    rounds: results[path],
  }));
}

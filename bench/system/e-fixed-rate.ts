/**
 * (e) The test that the original service came with: three loads at once, 1,000 requests a second each, on `/current`,
 * `/next` and `/previous`, with 100 connections each, for 30 seconds. Latencies count from when a request fell
 * due (see load/paced.ts), so no answer that came late hides the ones that it has kept waiting.
 */
import { figureBar, objectionTo, summaryBar } from '../bars.js';
import { CEILING, type Contestant, warrenInMemory, warrenOnRedis } from '../contestants.js';
import { type PacedResult, paced } from '../load/paced.js';
import type { Bar, Measurement, Sample } from '../measurement.js';
import { count, milliseconds, withRange } from '../report/table.js';
import { RunningServer } from '../running-server.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { ratios, rotated, type Summary, summarize } from '../statistics.js';

const PATHS = ['/current', '/next', '/previous'] as const;
const RATE = 1000;
const CONNECTIONS = 100;
const LATENCY_BAR = 1.2;

/** For each start. */
const START_S = 1;

function rounds({ quick }: BenchContext) {
  return quick ? { rounds: 1, seconds: 3 } : { rounds: 2, seconds: 30 };
}

/** The ceiling and Warren in memory run in every round, Warren on Redis in the first. */
const REGULARS = 2;

interface Lane {
  readonly contestant: Contestant;
  readonly server: RunningServer;
  readonly results: Record<(typeof PATHS)[number], (PacedResult & Sample)[]>;
}

export const fixedRate: Scenario = {
  key: 'e',
  title: 'Three loads of 1,000 requests a second each',

  plan(context) {
    const { rounds: each, seconds } = rounds(context);
    // Gated on Redis runs once.
    const steps = 2 * each + 1;
    return { steps, seconds: steps * seconds + 3 * START_S };
  },

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
      const takePart = round === 0 ? lanes : lanes.slice(0, REGULARS);
      for (const lane of rotated(takePart, round)) {
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
          title: `3 × ${count(RATE)} requests/s, ${plan.rounds} × ${plan.seconds} s, latency from when a request fell due`,
          columns: [
            'server',
            'path',
            'mean ms',
            'against ceiling (range)',
            'p50 ms',
            'p90 ms',
            'p99 ms',
            'against ceiling (range)',
            'p99.9 ms',
            'errors',
          ],
          rows: lanes.flatMap((lane) => PATHS.map((path) => rowOf(lane, ceiling, path))),
        },
      ],
      bars: others.flatMap((lane) => barsOf(lane, ceiling)),
      measurements: lanes.flatMap(measurementsOf),
      notes: [
        `the load generator itself was late by ${milliseconds(lateness)} ms at the 99th percentile, with every server alike; this is part of all latencies and draws the ratios towards one`,
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

/** Round by round. */
function against(lane: Lane, ceiling: Lane, path: (typeof PATHS)[number], figure: Figure): Summary {
  const list = ({ results }: Lane) => results[path].map((result) => result[figure]);
  return ratios(list(lane), list(ceiling));
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
    withRange(against(lane, ceiling, path, 'mean')),
    ms('p50'),
    ms('p90'),
    ms('p99'),
    withRange(against(lane, ceiling, path, 'p99')),
    ms('p999'),
    `${errors(lane, path)}`,
  ];
}

/** The worst of the three loads counts. */
function barsOf(lane: Lane, ceiling: Lane): Bar[] {
  const worst = (figure: Figure) =>
    PATHS.map((path) => against(lane, ceiling, path, figure)).reduce((a, b) => (b.median > a.median ? b : a));
  const { name } = lane.contestant;
  const objection = objectionTo(...measurementsOf(lane), ...measurementsOf(ceiling));
  const failed = PATHS.reduce((sum, path) => sum + errors(lane, path), 0);
  return [
    figureBar(`${name}: errors`, 'at most', 0, failed, ''),
    summaryBar(`${name}: mean latency`, 'at most', LATENCY_BAR, worst('mean'), '×', objection),
    summaryBar(`${name}: p99 latency`, 'at most', LATENCY_BAR, worst('p99'), '×', objection),
  ];
}

function measurementsOf({ contestant, results }: Lane): Measurement[] {
  return PATHS.map((path) => ({
    contestant: contestant.name,
    workload: `${path} at ${count(RATE)} requests/s`,
    rounds: results[path],
  }));
}

/**
 * (d) How far a fresh sequence gets: `/next` as fast as 100 connections can, from index 0, on a server that was just
 * started. Numbers grow by a digit every five answers, so whoever converts each of them soon does little else. Everyone
 * runs once; the ceiling, Warren and the peer that came furthest then run again.
 */
import { measured, objectionTo, summaryBar } from '../bars.js';
import {
  CEILING,
  type Contestant,
  foreignPeer,
  NODE_HTTP,
  UWS_BIGINT,
  UWS_WORKER,
  warrenInMemory,
  warrenOnRedis,
} from '../contestants.js';
import type { Measurement } from '../measurement.js';
import { type Pace, planOf, race } from '../race.js';
import { count, figures, loadTable, withRange, withSpread } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario, sumOf } from '../scenario.js';
import { ratios, summarize } from '../statistics.js';

const CONNECTIONS = 100;
const LEAD = 8;
/** Those that could be the best: fastify and express do what node:http does, and more. */
const PEERS = [UWS_BIGINT, UWS_WORKER, NODE_HTTP];
const WORKLOAD = '/next from index 0';

function pace({ quick }: BenchContext): Pace {
  return { rounds: 1, seconds: quick ? 2 : 8, warmUp: false, fresh: true };
}

function moreRounds({ quick }: BenchContext): number {
  return quick ? 0 : 2;
}

export const freshSequence: Scenario = {
  key: 'd',
  title: 'A fresh sequence',

  plan: (context) =>
    sumOf([
      planOf(pace(context), 3 + PEERS.length + context.foreign.length),
      planOf({ ...pace(context), rounds: moreRounds(context) }, 3),
    ]),

  async run(context) {
    const { seconds } = pace(context);
    const redis = await context.startRedis();
    const warren = warrenInMemory('async');
    const exact = [...PEERS, ...context.foreign.map(foreignPeer)];
    const run = (rounds: number, contestants: readonly Contestant[]) =>
      race(context, {
        ...pace(context),
        rounds,
        workload: WORKLOAD,
        contestants,
        load: { path: '/next', connections: CONNECTIONS },
        initialIndex: 0,
      });
    const first = await run(1, [
      CEILING,
      warren,
      ...(redis ? [warrenOnRedis('gated', redis)] : []),
      ...exact,
    ]);
    const rival = furthest(first, exact);
    const results = joined(first, await run(moreRounds(context), [CEILING, warren, rival]));
    const numbers = (measurement: Measurement) => figures(measurement, 'requests');
    const best = measured(results, rival) as Measurement;
    const ours = measured(results, warren) as Measurement;
    return {
      key: 'd',
      title: this.title,
      tables: [
        {
          title: `Numbers handed out in ${seconds} s`,
          columns: ['server', 'numbers', 'against the best exact peer (range)', 'rounds'],
          rows: results.map((result) => [
            result.contestant,
            withSpread(summarize(numbers(result))),
            withRange(ratios(numbers(result), numbers(best))),
            count(result.rounds.length),
          ]),
        },
        loadTable(`${WORKLOAD}, ${seconds} s`, results),
      ],
      bars: [
        summaryBar(
          `async: numbers in ${seconds} s, against the best exact peer (${rival.name})`,
          'at least',
          LEAD,
          ratios(numbers(ours), numbers(best)),
          '×',
          objectionTo(ours, best),
        ),
      ],
      measurements: results,
      notes: [
        ...(redis ? [] : [NO_REDIS]),
        ...(context.quick
          ? ['the lead grows with time; the bar is meant for 8 s, which the full run takes']
          : []),
      ],
    };
  },
};

function furthest(results: readonly Measurement[], exact: readonly Contestant[]): Contestant {
  const numbers = (peer: Contestant) => measured(results, peer)?.rounds[0]?.requests ?? 0;
  return exact.reduce((best, peer) => (numbers(peer) > numbers(best) ? peer : best));
}

/** The rounds of both, in order. */
function joined(first: readonly Measurement[], more: readonly Measurement[]): Measurement[] {
  return first.map((measurement) => {
    const again = measured(more, { name: measurement.contestant });
    return { ...measurement, rounds: [...measurement.rounds, ...(again?.rounds ?? [])] };
  });
}

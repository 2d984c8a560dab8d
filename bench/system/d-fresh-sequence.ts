/**
 * (d) How far a fresh sequence gets: `/next` as fast as 100 connections can, from index 0. Numbers grow by a digit
 * every five answers, so whoever converts each of them soon does little else.
 */
import { figureBar, measured } from '../bars.js';
import { CEILING, exactPeers, foreignPeer, warrenInMemory, warrenOnRedis } from '../contestants.js';
import type { Measurement } from '../measurement.js';
import { race, stepsOf } from '../race.js';
import { count, figures, loadTable, ratio } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { summarize } from '../statistics.js';

const CONNECTIONS = 100;
const LEAD = 8;
const WORKLOAD = '/next from index 0';

function secondsOf({ quick }: BenchContext): number {
  return quick ? 2 : 8;
}

export const freshSequence: Scenario = {
  key: 'd',
  title: 'A fresh sequence',

  steps: (context) =>
    stepsOf({
      contestants: 3 + exactPeers(context.quick).length + context.foreign.length,
      rounds: 1,
      warmUp: false,
    }),

  async run(context) {
    const seconds = secondsOf(context);
    const redis = await context.startRedis();
    const warren = warrenInMemory('async');
    const exact = [...exactPeers(context.quick), ...context.foreign.map(foreignPeer)];
    const results = await race(context, {
      workload: WORKLOAD,
      contestants: [CEILING, warren, ...(redis ? [warrenOnRedis('gated', redis)] : []), ...exact],
      load: { path: '/next', connections: CONNECTIONS, seconds },
      rounds: 1,
      warmUp: false,
      initialIndex: 0,
    });
    const handedOut = (measurement: Measurement | undefined) =>
      measurement ? summarize(figures(measurement, 'requests')).median : Number.NaN;
    const best = Math.max(...exact.map((peer) => handedOut(measured(results, peer))));
    const title = `Numbers handed out in ${seconds} s`;
    return {
      key: 'd',
      title: this.title,
      tables: [
        {
          title,
          columns: ['server', 'numbers', 'against the best exact peer'],
          rows: results.map((result) => [
            result.contestant,
            count(handedOut(result)),
            ratio(handedOut(result) / best),
          ]),
        },
        loadTable(`${WORKLOAD}, ${seconds} s`, results),
      ],
      bars: [
        figureBar(
          `async: numbers in ${seconds} s, against the best exact peer`,
          'at least',
          LEAD,
          handedOut(measured(results, warren)) / best,
          '×',
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

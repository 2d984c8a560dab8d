/**
 * (a) Small numbers, closed loop, 100 connections. First `/current` at an index whose number has 20 digits: nothing
 * but the way of a request. Then a mix of reads and writes, one request in 32 a `/next`: at this rate nearly every group
 * of requests holds a write, so all of it waits at the gate, and the numbers still stay small for some seconds. The
 * ceiling's bodies grow with the writes, too.
 */
import { measured, ratioBar } from '../bars.js';
import {
  CEILING,
  exactPeers,
  foreignPeer,
  UWS_BIGINT,
  warrenInMemory,
  warrenOnRedis,
} from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import { race, stepsOf } from '../race.js';
import { loadTable } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';

const CONNECTIONS = 100;
export const NEXT_EVERY = 32;
export const READS = '/current, 20 digits, 100 connections';
export const MIX = `one /next in ${NEXT_EVERY}, 100 connections`;
const MIXED = 4;

function rounds({ quick }: BenchContext) {
  return quick ? { rounds: 2, seconds: 1, warmUp: false } : { rounds: 3, seconds: 3, warmUp: true };
}

export const smallNumbers: Scenario = {
  key: 'a',
  title: 'Small numbers, 100 connections',

  steps: (context) =>
    stepsOf({
      contestants: 2 + exactPeers(context.quick).length + MIXED + context.foreign.length,
      ...rounds(context),
    }),

  async run(context) {
    const { seconds, ...plan } = rounds(context);
    const initialIndex = indexWithDigits(20);
    const warren = warrenInMemory('async');
    const foreign = context.foreign.map(foreignPeer);
    const reads = await race(context, {
      ...plan,
      workload: READS,
      contestants: [CEILING, warren, ...exactPeers(context.quick), ...foreign],
      load: { path: '/current', connections: CONNECTIONS, seconds },
      initialIndex,
      digits: 20,
    });
    const redis = await context.startRedis();
    const gated = redis && warrenOnRedis('gated', redis);
    const mix = await race(context, {
      ...plan,
      workload: MIX,
      contestants: [CEILING, warren, ...(gated ? [gated] : []), UWS_BIGINT],
      load: { path: '/current', nextEvery: NEXT_EVERY, connections: CONNECTIONS, seconds },
      initialIndex,
    });
    const ceiling = { reads: measured(reads, CEILING), mix: measured(mix, CEILING) };
    const rate = 'requestsPerSecond';
    const cpu = 'cpuMicroseconds';
    return {
      key: 'a',
      title: this.title,
      tables: [loadTable(READS, reads), loadTable(MIX, mix)],
      bars: [
        ...ratioBar(
          'async, /current: throughput',
          'at least',
          0.9,
          rate,
          measured(reads, warren),
          ceiling.reads,
        ),
        ...ratioBar('async, mix: throughput', 'at least', 0.9, rate, measured(mix, warren), ceiling.mix),
        ...(gated
          ? ratioBar(
              'gated on Redis, mix: throughput',
              'at least',
              0.75,
              rate,
              measured(mix, gated),
              ceiling.mix,
            )
          : []),
        ...ratioBar(
          'async, /current: CPU per request',
          'at most',
          1.3,
          cpu,
          measured(reads, warren),
          ceiling.reads,
        ),
      ],
      measurements: [...reads, ...mix],
      notes: redis ? [] : [NO_REDIS],
    };
  },
};

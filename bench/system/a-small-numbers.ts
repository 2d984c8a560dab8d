/**
 * (a) Small numbers, closed loop, 100 connections. First `/current` at an index whose number has 20 digits: nothing
 * but the way of a request. Then a mix of reads and writes, one request in 32 a `/next`: at this rate nearly every group
 * of requests holds a write, so all of it waits at the gate. Each round of the mix begins on new servers, so that the
 * numbers stay small, and with as many writes for each of them: after those they are warm. The ceiling's bodies grow with
 * the writes, too.
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
import type { Measurement } from '../measurement.js';
import { type Pace, planOf, race } from '../race.js';
import { loadTable } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario, sumOf } from '../scenario.js';

const CONNECTIONS = 100;
/** 5,000 writes, so some thousand commits, and numbers of 1,000 digits. */
export const MIX_WARM_UP = 160_000;
export const NEXT_EVERY = 32;
export const READS = '/current, 20 digits, 100 connections';
export const MIX = `one /next in ${NEXT_EVERY}, 100 connections`;
const BAR = 0.9;
const GATED_BAR = 0.75;
const CPU_BAR = 1.3;
/** Most contestants of the mix: the ceiling, and Warren in two kinds. */
const MIXED = 3;

function readPace({ quick }: BenchContext): Pace {
  return { rounds: quick ? 1 : 3, seconds: quick ? 1 : 2, warmUp: quick || 'all' };
}

function mixPace(context: BenchContext): Pace {
  return { ...readPace(context), seconds: 1, warmUp: 'all', fresh: true, warmUpRequests: MIX_WARM_UP };
}

export const smallNumbers: Scenario = {
  key: 'a',
  title: 'Small numbers, 100 connections',

  plan: (context) =>
    sumOf([
      planOf(readPace(context), 2, exactPeers(context.quick).length + context.foreign.length),
      planOf(mixPace(context), MIXED, 1),
    ]),

  async run(context) {
    const initialIndex = indexWithDigits(20);
    const warren = warrenInMemory('async');
    const foreign = context.foreign.map(foreignPeer);
    const reads = await race(context, {
      ...readPace(context),
      workload: READS,
      contestants: [CEILING, warren],
      once: [...exactPeers(context.quick), ...foreign],
      load: { path: '/current', connections: CONNECTIONS },
      initialIndex,
      digits: 20,
    });
    const redis = await context.startRedis();
    const gated = redis && warrenOnRedis('gated', redis);
    const mix = await race(context, {
      ...mixPace(context),
      workload: MIX,
      contestants: [CEILING, warren, ...(gated ? [gated] : [])],
      once: [UWS_BIGINT],
      load: { path: '/current', nextEvery: NEXT_EVERY, connections: CONNECTIONS },
      initialIndex,
    });
    const readBar = barsAgainst(measured(reads, CEILING));
    const mixBar = barsAgainst(measured(mix, CEILING));
    const [read, mixed] = [measured(reads, warren), measured(mix, warren)];
    const onRedis = gated && measured(mix, gated);
    return {
      key: 'a',
      title: this.title,
      tables: [loadTable(READS, reads), loadTable(MIX, mix)],
      bars: [
        ...readBar.throughput('async, /current', BAR, read),
        ...mixBar.throughput('async, mix', BAR, mixed),
        ...mixBar.throughput('gated on Redis, mix', GATED_BAR, onRedis),
        ...readBar.cpu('async, /current', CPU_BAR, read),
        ...mixBar.cpu('async, mix', CPU_BAR, mixed),
        ...mixBar.cpu('gated on Redis, mix', undefined, onRedis),
      ],
      measurements: [...reads, ...mix],
      notes: redis ? [] : [NO_REDIS],
    };
  },
};

function barsAgainst(ceiling: Measurement | undefined) {
  return {
    throughput: (text: string, bound: number, measurement: Measurement | undefined) =>
      ratioBar(`${text}: throughput`, 'at least', bound, 'requestsPerSecond', measurement, ceiling),
    cpu: (text: string, bound: number | undefined, measurement: Measurement | undefined) =>
      ratioBar(`${text}: CPU per request`, 'at most', bound, 'cpuMicroseconds', measurement, ceiling),
  };
}

/**
 * (f) What durability costs: one `/next` in 32 requests, 100 connections, on each store, gated and async. The stores
 * are as they would stand beside a service: LMDB syncs each commit, Redis runs in a process of its own, without a file
 * or with an fsync before each answer.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { measured, ratioBar } from '../bars.js';
import { CEILING, type Contestant, warrenInMemory, warrenOnLmdb, warrenOnRedis } from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import type { Bar, Measurement } from '../measurement.js';
import { race, stepsOf } from '../race.js';
import { loadTable } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { NEXT_EVERY } from './a-small-numbers.js';

const CONNECTIONS = 100;
export const DURABILITY_WORKLOAD = `one /next in ${NEXT_EVERY}, by store`;
/** What statfs(2) calls a file system that lives in memory. */
const TMPFS = 0x01021994;

function rounds({ quick }: BenchContext) {
  return quick ? { rounds: 1, seconds: 1, warmUp: false } : { rounds: 2, seconds: 2, warmUp: false };
}

function gatedBar(
  store: string,
  bound: number,
  results: readonly Measurement[],
  contestant: Contestant,
): Bar[] {
  const [warren, ceiling] = [measured(results, contestant), measured(results, CEILING)];
  return ratioBar(`gated on ${store}: throughput`, 'at least', bound, 'requestsPerSecond', warren, ceiling);
}

export const durability: Scenario = {
  key: 'f',
  title: 'What durability costs',

  steps: (context) => stepsOf({ contestants: 9, ...rounds(context) }),

  async run(context) {
    const { seconds, ...plan } = rounds(context);
    const redis = await context.startRedis();
    const synced = await context.startRedis({ appendOnly: true, fsync: 'always' });
    const contestants: Contestant[] = [CEILING];
    for (const mode of ['async', 'gated'] as const) {
      contestants.push(warrenInMemory(mode), warrenOnLmdb(mode));
      if (redis) contestants.push(warrenOnRedis(mode, redis));
      if (synced) contestants.push(warrenOnRedis(mode, synced, 'Redis fsync always'));
    }
    const results = await race(context, {
      ...plan,
      workload: DURABILITY_WORKLOAD,
      contestants,
      load: { path: '/current', nextEvery: NEXT_EVERY, connections: CONNECTIONS, seconds },
      initialIndex: indexWithDigits(20),
    });
    const inMemory = statfsSync(tmpdir()).type === TMPFS;
    return {
      key: 'f',
      title: this.title,
      tables: [loadTable(DURABILITY_WORKLOAD, results)],
      bars: [
        ...gatedBar('LMDB', 0.6, results, warrenOnLmdb('gated')),
        ...(redis ? gatedBar('Redis', 0.75, results, warrenOnRedis('gated', redis)) : []),
      ],
      measurements: results,
      notes: [
        ...(inMemory
          ? [`${tmpdir()} lives in memory, so syncing costs nothing here; set TMPDIR to a disk`]
          : []),
        ...(redis ? [] : [NO_REDIS]),
      ],
    };
  },
};

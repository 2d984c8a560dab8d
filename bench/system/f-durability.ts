/**
 * (f) What durability costs: one `/next` in 32 requests, 100 connections, on each store, gated and async, each round on
 * new servers. Async, where nobody waits for the store, runs once. The stores
 * are as they would stand beside a service: LevelDB syncs each commit, Redis runs in a process of its own, without a file
 * or with an fsync before each answer.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { measured, ratioBar } from '../bars.js';
import {
  CEILING,
  type Contestant,
  type Durability,
  warrenInMemory,
  warrenOnLevel,
  warrenOnRedis,
} from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import type { Bar, Measurement } from '../measurement.js';
import { type Pace, planOf, race } from '../race.js';
import { loadTable } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { MIX_WARM_UP, NEXT_EVERY } from './a-small-numbers.js';

const CONNECTIONS = 100;
export const DURABILITY_WORKLOAD = `one /next in ${NEXT_EVERY}, by store`;
/** What statfs(2) calls a file system that lives in memory. */
const TMPFS = 0x01021994;

function pace({ quick }: BenchContext): Pace {
  return { rounds: quick ? 1 : 3, seconds: 1, warmUp: 'all', fresh: true, warmUpRequests: MIX_WARM_UP };
}

function gatedBar(
  store: string,
  bound: number,
  results: readonly Measurement[],
  contestant: Contestant,
  objection?: string,
): Bar[] {
  const [warren, ceiling] = [measured(results, contestant), measured(results, CEILING)];
  const bars = ratioBar(
    `gated on ${store}: throughput`,
    'at least',
    bound,
    'requestsPerSecond',
    warren,
    ceiling,
  );
  return objection ? bars.map((bar) => ({ ...bar, objection })) : bars;
}

export const durability: Scenario = {
  key: 'f',
  title: 'What durability costs',

  plan: (context) => planOf(pace(context), 5, context.quick ? 0 : 4),

  async run(context) {
    const redis = await context.startRedis();
    const synced = await context.startRedis({ appendOnly: true, fsync: 'always' });
    const onEachStore = (mode: Durability): Contestant[] => [
      warrenInMemory(mode),
      warrenOnLevel(mode),
      ...(redis ? [warrenOnRedis(mode, redis)] : []),
      ...(synced ? [warrenOnRedis(mode, synced, 'Redis fsync always')] : []),
    ];
    const results = await race(context, {
      ...pace(context),
      workload: DURABILITY_WORKLOAD,
      contestants: [CEILING, ...onEachStore('gated')],
      once: context.quick ? [] : onEachStore('async'),
      load: { path: '/current', nextEvery: NEXT_EVERY, connections: CONNECTIONS },
      initialIndex: indexWithDigits(20),
    });
    const noDisk =
      statfsSync(tmpdir()).type === TMPFS
        ? `${tmpdir()} lives in memory, where syncing costs nothing; set TMPDIR to a disk`
        : undefined;
    return {
      key: 'f',
      title: this.title,
      tables: [loadTable(DURABILITY_WORKLOAD, results)],
      bars: [
        ...gatedBar('LevelDB', 0.6, results, warrenOnLevel('gated'), noDisk),
        ...(redis ? gatedBar('Redis', 0.75, results, warrenOnRedis('gated', redis)) : []),
      ],
      measurements: results,
      notes: [...(noDisk ? [noDisk] : []), ...(redis ? [] : [NO_REDIS])],
    };
  },
};

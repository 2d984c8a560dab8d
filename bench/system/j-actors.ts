/**
 * (j) Actors: what a command to a counter costs, by store and by number of keys, beside bare uWebSockets.js and beside twenty lines that
 * somebody would write by hand. Then a million actors on LevelDB: memory and throughput under random commands, a restart, and the
 * first answer of an actor that is not in memory.
 */
import { Agent, get } from 'node:http';
import { type ActorContestant, ActorServer, BARE, twentyLines, warrenActors } from '../actor-server.js';
import { figureBar, measured, ratioBar } from '../bars.js';
import { temporaryFolder } from '../contestants.js';
import type { Bar, Measurement, Sample, Table } from '../measurement.js';
import { count, loadTable, milliseconds } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { rotated, summarize } from '../statistics.js';
import { scoped, type Teardowns } from '../teardowns.js';

const ASYNC = 'Warren async, LevelDB';
const LEVEL = 'Warren gated, LevelDB';
const REDIS = 'Warren gated, Redis fsync always';
const MANY_KEYS = 100_000;
const SECONDS = 2;
const WARM_UP_S = 3;
/** Of one of the loads that fill the store, one after the other. */
const FILL_S = 5;

/** What of a load has a bar: at least so much of the throughput of bare, or of the twenty lines. */
interface Load {
  readonly connections: number;
  readonly keys: number;
  readonly ofBare: Readonly<Record<string, number>>;
  readonly ofTwenty?: number;
}

const LOADS: readonly Load[] = [
  { connections: 1, keys: 1, ofBare: {} },
  { connections: 100, keys: 1, ofBare: { [ASYNC]: 0.9, [LEVEL]: 0.55, [REDIS]: 0.5 }, ofTwenty: 0.95 },
  { connections: 1_000, keys: 1, ofBare: { [ASYNC]: 0.9, [LEVEL]: 0.9, [REDIS]: 0.75 }, ofTwenty: 0.95 },
  { connections: 100, keys: MANY_KEYS, ofBare: { [LEVEL]: 0.33, [REDIS]: 0.3 } },
  { connections: 1_000, keys: MANY_KEYS, ofBare: { [LEVEL]: 0.65 } },
];
const CPU_OF_BARE = 1.3;
const P50_OF_TWENTY = 1.2;

const MILLION = 1_000_000;
const MILLION_PEAK_MB = 350;
const MILLION_OF_BARE = 0.35;
const RESTART_MS = 1_000;
const MISSING_P50_MS = 0.2;
const ASKED = 500;

function roundsOf({ quick }: BenchContext): number {
  return quick ? 1 : 3;
}

function actorsOf({ quick }: BenchContext): number {
  return quick ? MILLION / 10 : MILLION;
}

function workloadOf({ connections, keys }: Load): string {
  const clients = connections === 1 ? 'one connection' : `${count(connections)} connections`;
  return `counter command, ${keys === 1 ? 'one key' : `${count(keys)} keys at random`}, ${clients}`;
}

export const actors: Scenario = {
  key: 'j',
  title: 'Actors',

  plan(context) {
    const runs = 5 * LOADS.length * roundsOf(context);
    return {
      steps: runs + 5 + 4,
      seconds: runs * (SECONDS + 0.2) + 5 * WARM_UP_S + actorsOf(context) / 15_000 + 15,
    };
  },

  async run(context) {
    if (context.load.name !== 'wrk') throw new Error('this scenario needs wrk');
    const redis = await context.startRedis({ appendOnly: true, fsync: 'always' });
    const measurements = await scoped(context.scope, async (scope) => {
      const contestants = [
        BARE,
        twentyLines(await temporaryFolder(scope)),
        warrenActors(ASYNC, { DATA_DIR: await temporaryFolder(scope), DURABILITY: 'async' }),
        warrenActors(LEVEL, { DATA_DIR: await temporaryFolder(scope) }),
        ...(redis ? [warrenActors(REDIS, { STORE: 'redis', REDIS_URL: redis.url })] : []),
      ];
      return race(context, scope, contestants);
    });
    const million = await scoped(context.scope, (scope) => manyActors(context, scope));
    return {
      key: 'j',
      title: this.title,
      tables: [
        ...LOADS.map((load) =>
          loadTable(
            workloadOf(load),
            measurements.filter(({ workload }) => workload === workloadOf(load)),
          ),
        ),
        million.table,
      ],
      bars: [...LOADS.flatMap((load) => barsOf(load, measurements)), ...million.bars],
      measurements: [...measurements, ...million.measurements],
      notes: redis ? [] : [NO_REDIS],
    };
  },
};

async function race(
  context: BenchContext,
  scope: Teardowns,
  contestants: readonly ActorContestant[],
): Promise<Measurement[]> {
  const servers: ActorServer[] = [];
  for (const contestant of contestants) {
    context.step(`${contestant.name}: warm-up`);
    const server = await ActorServer.start(scope, contestant);
    await server.timed(scope, { connections: 100, keys: MANY_KEYS, seconds: WARM_UP_S });
    servers.push(server);
  }
  const measurements: Measurement[] = [];
  for (const load of LOADS) {
    const samples = new Map<ActorServer, Sample[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < roundsOf(context); round++) {
      for (const server of rotated(servers, round)) {
        context.step(`${server.contestant.name}: ${workloadOf(load)}`);
        samples.get(server)?.push(await server.timed(scope, { ...load, seconds: SECONDS }));
      }
    }
    for (const [{ contestant }, rounds] of samples)
      measurements.push({ contestant: contestant.name, workload: workloadOf(load), rounds });
  }
  return measurements;
}

function barsOf(load: Load, measurements: readonly Measurement[]): Bar[] {
  const workload = workloadOf(load);
  const of = (name: string) => measured(measurements, { name }, workload);
  const [bare, twenty] = [
    of(BARE.name),
    measurements.find(
      ({ contestant, workload: each }) => contestant.startsWith('twenty') && each === workload,
    ),
  ];
  const bars = Object.entries(load.ofBare).flatMap(([name, bound]) =>
    ratioBar(`${name} of bare: ${workload}`, 'at least', bound, 'requestsPerSecond', of(name), bare),
  );
  if (load.ofTwenty !== undefined) {
    const text = `${LEVEL} of twenty lines: ${workload}`;
    bars.push(...ratioBar(text, 'at least', load.ofTwenty, 'requestsPerSecond', of(LEVEL), twenty));
  }
  if (load.connections === 1) {
    const text = `${LEVEL} of twenty lines: p50, ${workload}`;
    bars.push(...ratioBar(text, 'at most', P50_OF_TWENTY, 'p50', of(LEVEL), twenty));
  }
  if (load.connections === 100 && load.keys === 1) {
    bars.push(
      ...ratioBar(
        `${ASYNC} of bare: CPU, ${workload}`,
        'at most',
        CPU_OF_BARE,
        'cpuMicroseconds',
        of(ASYNC),
        bare,
      ),
    );
  }
  return bars;
}

/** Fills a store over HTTP, runs random commands on it, and starts it again. */
async function manyActors(
  context: BenchContext,
  scope: Teardowns,
): Promise<{ readonly table: Table; readonly bars: Bar[]; readonly measurements: Measurement[] }> {
  const keys = actorsOf(context);
  const contestant = warrenActors(LEVEL, { DATA_DIR: await temporaryFolder(scope) });
  const bare = await ActorServer.start(scope, BARE);
  let server = await ActorServer.start(scope, contestant);
  context.step(`${count(keys)} actors: filling`);
  const filling = performance.now();
  let errors = 0;
  for (let first = 0; first < keys; ) {
    const filled = await server.timed(scope, { connections: 200, keys, first, seconds: FILL_S });
    first += filled.requests;
    errors += filled.errors;
  }
  const perSecond = (1_000 * keys) / (performance.now() - filling);
  const fillPeakMb = server.peakMemoryMb();
  await server.stop();

  context.step(`${count(keys)} actors: restart`);
  const restarts: number[] = [];
  for (let round = 0; round < 3; round++) {
    const since = performance.now();
    server = await ActorServer.start(scope, contestant);
    restarts.push(performance.now() - since);
    // Also from what a kill leaves behind.
    if (round === 0) await server.end();
    else if (round === 1) await server.stop();
  }

  context.step(`${count(keys)} actors: the first answer of each`);
  const [known, missing] = await firstAnswers(server.port, keys);

  context.step(`${count(keys)} actors: commands at random`);
  const workload = `counter command, ${count(keys)} keys at random, 100 connections`;
  const load = { connections: 100, keys, seconds: 2 * SECONDS };
  const [of, ofBare]: [Sample[], Sample[]] = [[], []];
  for (let round = -1; round < roundsOf(context); round++) {
    const samples = [await bare.timed(scope, load), await server.timed(scope, load)] as const;
    if (round < 0) continue;
    ofBare.push(samples[0]);
    of.push(samples[1]);
  }
  const measurements = [
    { contestant: BARE.name, workload, rounds: ofBare },
    { contestant: LEVEL, workload, rounds: of },
  ] as const;
  const [restart, peakMb] = [summarize(restarts), server.peakMemoryMb()];
  const all = `${count(keys)} actors`;
  return {
    measurements: [...measurements],
    table: {
      title: `${all} on LevelDB`,
      columns: ['what', 'measured'],
      rows: [
        ['filled over HTTP, actors/s', count(perSecond)],
        ['errors while it was filled', count(errors)],
        ['peak while it was filled, MiB', count(fillPeakMb)],
        ['peak under random commands, MiB', count(peakMb)],
        [
          'restart to the first answer, ms',
          `${milliseconds(restart.median)} (${milliseconds(restart.min)}–${milliseconds(restart.max)})`,
        ],
        ['an actor in memory, p50 ms', milliseconds(known)],
        ['an actor not in memory, p50 ms', milliseconds(missing)],
      ],
    },
    bars: [
      ...ratioBar(
        `${LEVEL} of bare: ${workload}`,
        'at least',
        MILLION_OF_BARE,
        'requestsPerSecond',
        measurements[1],
        measurements[0],
      ),
      figureBar(`${all}: peak under random commands`, 'at most', MILLION_PEAK_MB, peakMb, 'MiB'),
      figureBar(`${all}: restart to the first answer`, 'at most', RESTART_MS, restart.median, 'ms'),
      figureBar(
        `${all}: p50 of one not in memory, above one that is`,
        'at most',
        MISSING_P50_MS,
        missing - known,
        'ms',
      ),
    ],
  };
}

/** After a start, one request after the other on one connection. @returns the p50 of the answers of an actor in memory, and of others. */
async function firstAnswers(port: number, keys: number): Promise<[known: number, missing: number]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (key: number) =>
    new Promise<number>((resolve, reject) => {
      const since = performance.now();
      get({ host: '127.0.0.1', port, path: `/counter/k${key}/get`, agent }, (response) => {
        response.resume().once('end', () => resolve(performance.now() - since));
      }).once('error', reject);
    });
  const [known, missing]: [number[], number[]] = [[], []];
  for (let i = 0; i < 2 * ASKED; i++) {
    const first = await ask(Math.floor((i * keys) / (2 * ASKED)) + 1);
    const again = await ask(0);
    if (i < ASKED) continue;
    missing.push(first);
    known.push(again);
  }
  agent.destroy();
  return [summarize(known).median, summarize(missing).median];
}

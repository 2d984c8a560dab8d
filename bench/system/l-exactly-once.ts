/** (l) Exactly once: what an Idempotency-Key adds to the CPU of a command, on the same server by turns, by store and by number of keys. */
import { type ActorContestant, ActorServer, warrenActors } from '../actor-server.js';
import { ratioBar } from '../bars.js';
import { temporaryFolder } from '../contestants.js';
import type { Bar, Measurement, Sample } from '../measurement.js';
import { count, loadTable } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { scoped, type Teardowns } from '../teardowns.js';

const CONNECTIONS = 100;
const ACTORS = [1, 100_000];
const WARM_UP_S = 3;
const SECONDS = 2;
/** Each command has a new key, and none of them expires. */
const ROOM = { IDEMPOTENCY_MB: '8192' };
const CPU_OF_KEYLESS = 1.3;

function roundsOf({ quick }: BenchContext): number {
  return quick ? 1 : 3;
}

function workloadOf(actors: number): string {
  return `counter command, ${actors === 1 ? 'one actor' : `${count(actors)} actors at random`}, ${CONNECTIONS} connections`;
}

export const exactlyOnce: Scenario = {
  key: 'l',
  title: 'Exactly once',

  plan(context) {
    const runs = 2 * 2 * ACTORS.length * roundsOf(context);
    return { steps: 2 + runs / 2, seconds: runs * (SECONDS + 0.2) + 2 * WARM_UP_S };
  },

  async run(context) {
    if (context.load.name !== 'wrk') throw new Error('this scenario needs wrk');
    const redis = await context.startRedis({ appendOnly: true, fsync: 'always' });
    const measurements = await scoped(context.scope, async (scope) => {
      const contestants = [
        warrenActors('LevelDB', { DATA_DIR: await temporaryFolder(scope), ...ROOM }),
        ...(redis
          ? [warrenActors('Redis fsync always', { STORE: 'redis', REDIS_URL: redis.url, ...ROOM })]
          : []),
      ];
      const all: Measurement[] = [];
      for (const contestant of contestants) all.push(...(await byTurns(context, scope, contestant)));
      return all;
    });
    return {
      key: 'l',
      title: this.title,
      tables: ACTORS.map((actors) => {
        const workload = workloadOf(actors);
        return loadTable(
          workload,
          measurements.filter((one) => one.workload === workload),
        );
      }),
      bars: ACTORS.flatMap((actors) => barsOf(measurements, workloadOf(actors))),
      measurements,
      notes: redis ? [] : [NO_REDIS],
    };
  },
};

async function byTurns(
  context: BenchContext,
  scope: Teardowns,
  contestant: ActorContestant,
): Promise<Measurement[]> {
  context.step(`${contestant.name}: warm-up`);
  const server = await ActorServer.start(scope, contestant);
  const load = { connections: CONNECTIONS, seconds: SECONDS };
  await server.timed(scope, { ...load, keys: 100_000, seconds: WARM_UP_S, once: true });
  const measurements: Measurement[] = [];
  for (const actors of ACTORS) {
    const [keyless, keyed]: [Sample[], Sample[]] = [[], []];
    for (let round = 0; round < roundsOf(context); round++) {
      context.step(`${contestant.name}: ${workloadOf(actors)}`);
      keyless.push(await server.timed(scope, { ...load, keys: actors }));
      keyed.push(await server.timed(scope, { ...load, keys: actors, once: true }));
    }
    const workload = workloadOf(actors);
    measurements.push(
      { contestant: `${contestant.name}, no key`, workload, rounds: keyless },
      { contestant: `${contestant.name}, a key`, workload, rounds: keyed },
    );
  }
  await server.stop();
  return measurements;
}

function barsOf(measurements: readonly Measurement[], workload: string): Bar[] {
  const of = (contestant: string) =>
    measurements.find((one) => one.contestant === contestant && one.workload === workload);
  return ['LevelDB', 'Redis fsync always'].flatMap((store) => {
    const text = `${store}, CPU with an Idempotency-Key of without: ${workload}`;
    const [keyed, keyless] = [of(`${store}, a key`), of(`${store}, no key`)];
    return ratioBar(text, 'at most', CPU_OF_KEYLESS, 'cpuMicroseconds', keyed, keyless);
  });
}

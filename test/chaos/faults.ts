/**
 * The faults and their schedule. Each thing that can break has a loop of its own, with a random source of its own from
 * the run's seed, so faults of different things overlap, and the choices of one loop do not depend on the machine's
 * speed. A fault mends what it broke before it ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault-proxy.js';
import { monotonicMs } from '../support/history.js';
import type { RedisProcess } from '../support/redis-process.js';
import { SeededRandom } from '../support/seeded-random.js';
import type { World } from './world.js';

export interface FaultRecord {
  readonly kind: string;
  /** By the clock of the history. */
  readonly startedAt: number;
  readonly mendedAt: number;
  readonly note: string;
}

/** Breaks something and mends it; says in a few words what was special about this time. */
type Fault = (random: SeededRandom) => Promise<string>;

interface Breakable {
  readonly faults: Readonly<Record<string, readonly [weight: number, fault: Fault]>>;
  /** Between two faults, in milliseconds. */
  readonly restMs: readonly [least: number, most: number];
}

/** So often a fault waits until the world serves again. */
const MOSTLY = 0.8;

/** Lets faults happen until the time is over; resolves when the last one is mended. */
export async function unleash(world: World, seed: number, untilMs: number): Promise<FaultRecord[]> {
  const timeline: FaultRecord[] = [];
  const loops = breakables(world).map((breakable, number) =>
    breakRepeatedly(world, breakable, new SeededRandom(seed * 8 + number), untilMs, timeline),
  );
  await Promise.all(loops);
  return timeline.toSorted((a, b) => a.startedAt - b.startedAt);
}

async function breakRepeatedly(
  world: World,
  { faults, restMs }: Breakable,
  random: SeededRandom,
  untilMs: number,
  timeline: FaultRecord[],
): Promise<void> {
  const weights = Object.fromEntries(Object.entries(faults).map(([kind, [weight]]) => [kind, weight]));
  for (;;) {
    await delay(random.between(...restMs));
    // On a busy machine a run would see little but starts and takeovers that are cut off.
    if (random.next() < MOSTLY) await world.serves();
    // However slow the machine is, no run is without a fault.
    if (monotonicMs() >= untilMs && timeline.length > 0) return;
    const kind = random.weighted(weights);
    const fault = faults[kind]?.[1];
    if (!fault) throw new Error(`no fault ${kind}`);
    const startedAt = monotonicMs();
    const note = await fault(random);
    timeline.push({ kind, startedAt, mendedAt: monotonicMs(), note });
  }
}

function breakables(world: World): Breakable[] {
  const { redis, storeLink, clientLink } = world;
  return [
    {
      restMs: [100, 1_500],
      faults: {
        'owner-killed': [3, () => killOwner(world)],
        'process-killed': [2, (random) => killProcess(world, random)],
        'process-paused': [1, (random) => pauseProcess(world, random)],
      },
    },
    { restMs: [100, 1_500], faults: linkFaults('client-link', clientLink) },
    ...(storeLink ? [{ restMs: [200, 2_500], faults: linkFaults('store-link', storeLink) } as const] : []),
    ...(redis
      ? [
          {
            restMs: [1_000, 4_000],
            faults: {
              'redis-killed': [
                1,
                async (random) => {
                  await redis.kill();
                  const awayMs = await rest(random, 0, 1_000);
                  await redis.restart();
                  return awayMs;
                },
              ],
              'redis-lost-commits': [1, (random) => loseCommits(world, redis, random)],
              'redis-paused': [
                1,
                async (random) => {
                  redis.pause();
                  const pausedMs = await rest(random, 50, 1_500);
                  redis.resume();
                  return pausedMs;
                },
              ],
            },
          } satisfies Breakable,
        ]
      : []),
  ];
}

async function killOwner({ server }: World): Promise<string> {
  server.kill('SIGUSR2');
  return '';
}

/** Only one that has served: on a busy machine a run would see nothing but starts. */
async function killProcess(world: World, random: SeededRandom): Promise<string> {
  const awayMs = random.between(0, 300);
  await world.withProcess(async () => {
    await world.serves();
    await world.killAndRestart(awayMs);
  });
  return `away for ${awayMs} ms`;
}

/**
 * Comes back as it was some commits ago, while the process that has acknowledged them lives: it writes them again. Threads die and links
 * break meanwhile, as always.
 */
async function loseCommits(world: World, redis: RedisProcess, random: SeededRandom): Promise<string> {
  return world.withProcess(async () => {
    // What its predecessor acknowledged this process does not know.
    await world.serves();
    await redis.keepCopy();
    await world.serves();
    const lostMs = await rest(random, 0, 800);
    await redis.kill();
    await rest(random, 0, 1_000);
    await redis.restartFromCopy();
    await world.serves();
    return `the commits of ${lostMs.replace('for ', '')}`;
  });
}

async function pauseProcess({ server }: World, random: SeededRandom): Promise<string> {
  server.kill('SIGSTOP');
  const pausedMs = await rest(random, 20, 1_500);
  server.kill('SIGCONT');
  return pausedMs;
}

function linkFaults(name: string, link: FaultProxy): Breakable['faults'] {
  return {
    [`${name}-cut`]: [
      2,
      async () => {
        const { connections } = link;
        link.cutAll();
        return `${connections} connections`;
      },
    ],
    [`${name}-cut-in-reply`]: [
      2,
      async (random) => {
        const bytes = random.between(0, 400);
        // Happens with the next answers; nobody waits, since there may be none for a while.
        void link.cutAfterBytes(bytes);
        return `after ${bytes} bytes`;
      },
    ],
    [`${name}-slow`]: [
      1,
      async (random) => {
        const direction = random.weighted({ requests: 1, answers: 1 });
        const byMs = random.between(10, 500);
        link.delay(byMs, direction);
        const forMs = await rest(random, 100, 1_000);
        link.delay(0, direction);
        return `${direction} by ${byMs} ms, ${forMs}`;
      },
    ],
    [`${name}-swallowing`]: [
      1,
      async (random) => {
        link.blackhole(true);
        const forMs = await rest(random, 50, 1_200);
        link.blackhole(false);
        return forMs;
      },
    ],
  };
}

async function rest(random: SeededRandom, leastMs: number, mostMs: number): Promise<string> {
  const ms = random.between(leastMs, mostMs);
  await delay(ms);
  return `for ${ms} ms`;
}

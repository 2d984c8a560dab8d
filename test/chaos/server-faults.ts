/** The faults of one server on one store. */
import type { RedisProcess } from '../support/redis-process.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { type Breakable, rest } from './chaos-world.js';
import { linkFaults } from './link-faults.js';
import { redisFaults } from './redis-faults.js';
import type { World } from './world.js';

export function breakablesOf(world: World): Breakable[] {
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
              ...redisFaults(redis),
              'redis-lost-commits': [1, (random) => loseCommits(world, redis, random)],
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

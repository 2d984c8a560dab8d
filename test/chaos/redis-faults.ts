/** What can happen to a Redis that keeps what it has confirmed. */
import type { RedisProcess } from '../support/redis-process.js';
import { type Breakable, rest } from './chaos-world.js';

export function redisFaults(redis: RedisProcess): Breakable['faults'] {
  return {
    'redis-killed': [
      1,
      async (random) => {
        await redis.kill();
        const awayMs = await rest(random, 0, 1_000);
        await redis.restart();
        return awayMs;
      },
    ],
    'redis-paused': [
      1,
      async (random) => {
        redis.pause();
        const pausedMs = await rest(random, 50, 1_500);
        redis.resume();
        return pausedMs;
      },
    ],
  };
}

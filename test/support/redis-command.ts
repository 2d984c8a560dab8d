/** One command to a Redis of the tests, over a connection of its own: what an operator would type into redis-cli. */
import { Redis } from 'ioredis';
import type { RedisProcess } from './redis-process.js';

export async function redisCommand(redis: RedisProcess, ...words: [string, ...string[]]): Promise<unknown> {
  const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null });
  const [name, ...values] = words;
  try {
    await client.connect();
    return await client.call(name, ...values);
  } finally {
    client.disconnect();
  }
}

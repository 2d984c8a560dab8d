/** One command to a Redis of the tests, over a connection of its own: what an operator would type into redis-cli. */
import { Redis } from 'ioredis';
export async function redisCommand(
  redis: { readonly url: string },
  ...words: [string, ...string[]]
): Promise<unknown> {
  const client = new Redis(redis.url, {
    lazyConnect: true,
    retryStrategy: () => null,
    ...(redis.url.startsWith('rediss:') && { tls: { rejectUnauthorized: false } }),
  });
  const [name, ...values] = words;
  try {
    await client.connect();
    return await client.call(name, ...values);
  } finally {
    client.disconnect();
  }
}

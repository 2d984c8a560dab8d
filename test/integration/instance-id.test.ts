/** Who an instance is to the others on its Redis, as they read it from the record. */
import { hostname } from 'node:os';
import t from 'tap';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren } from '../support/warren-process.js';

t.test('an instance is known by host name and port, unless it is given a name', async (t) => {
  const redis = await startRedis(t);
  // One port from the kernel: it is known only once the server listens on it.
  for (const env of [{}, { SERVING_HOST_PORT: '127.0.0.1:0' }, { INSTANCE_ID: 'the one' }]) {
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: redis.hostPort, ...env } });
    await warren.waitForLog(({ msg }) => msg === 'serving');
    const name = 'INSTANCE_ID' in env ? env.INSTANCE_ID : `${hostname()}:${warren.port}`;
    const record = async () => JSON.parse(String(await redisCommand(redis, 'GET', 'warren:{0}:fence')));
    t.match(await record(), { instance: name, lease: Number });
    t.equal(await warren.stop(), 0);
    t.match(await record(), { instance: name, lease: 0 }, 'a clean stop gives it up');
  }
});

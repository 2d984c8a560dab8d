/** The plain way on Redis: one INCRBY for each request. ioredis sends those of one loop iteration together. */
import { Redis } from 'ioredis';
import { answer, fail, serve } from './uws.mjs';

const redis = new Redis(Number(process.env.REDIS_PORT), { enableAutoPipelining: true });

serve((res, key, by) => {
  redis.incrby(key, by).then(
    (n) => answer(res, n),
    (error) => fail(res, error),
  );
});

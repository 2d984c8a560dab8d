/** What a sceptic writes in an hour on Redis: one INCRBY for all requests of a key that wait, and the next one when it is back. */
import { Redis } from 'ioredis';
import { answer, fail, serve } from './uws.mjs';

const redis = new Redis(Number(process.env.REDIS_PORT));
let [waiting, busy, due] = [new Map(), false, false];

async function flush() {
  due = false;
  if (busy || waiting.size === 0) return;
  busy = true;
  const keys = waiting;
  waiting = new Map();
  const pipeline = redis.pipeline();
  for (const [key, { sum }] of keys) pipeline.incrby(key, sum);
  const results = await pipeline.exec();
  let at = 0;
  for (const { sum, asked } of keys.values()) {
    const [error, after] = results[at++];
    let n = after - sum;
    for (const [res, by] of asked) {
      n += by;
      if (error) fail(res, error);
      else answer(res, n);
    }
  }
  busy = false;
  flush();
}

serve((res, key, by) => {
  const of = waiting.get(key) ?? { sum: 0, asked: [] };
  waiting.set(key, of);
  of.sum += by;
  of.asked.push([res, by]);
  if (!due) due = setImmediate(flush);
});

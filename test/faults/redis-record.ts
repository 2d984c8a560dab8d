/** A look at fence and sequence in Redis, past the server. */
import { Redis } from 'ioredis';
import { SEQUENCE_ID, storedIndex } from '../../src/residents/fibonacci/behavior.js';
import { pause } from '../support/pause.js';

const TRIES = 6_000;

/** Waits until a commit with this epoch or this index has arrived. */
export async function recordShows(url: string, shown: { epoch: number } | { index: number }): Promise<void> {
  const redis = new Redis(url);
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if ('epoch' in shown) {
        const text = await redis.get('warren:{0}:fence');
        if (text !== null && JSON.parse(text).epoch === shown.epoch) return;
      } else {
        const text = await redis.hget('warren:{0}:actors', SEQUENCE_ID);
        if (text !== null && storedIndex(text) === shown.index) return;
      }
      await pause();
    }
    throw new Error(`the record never showed ${JSON.stringify(shown)}`);
  } finally {
    redis.disconnect();
  }
}

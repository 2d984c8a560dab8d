/** A look at the checkpoint in Redis, past the server. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

const TRIES = 6_000;
const POLL_MS = 10;

/** Waits until a commit with this epoch or this state has arrived. */
export async function recordShows(url: string, shown: { epoch: number } | { state: number }): Promise<void> {
  const redis = new Redis(url);
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const text = await redis.get('warren:{0}:fence');
      const record = text === null ? {} : (JSON.parse(text) as Record<string, unknown>);
      if (Object.entries(shown).every(([field, value]) => record[field] === value)) return;
      await delay(POLL_MS);
    }
    throw new Error(`the record never showed ${JSON.stringify(shown)}`);
  } finally {
    redis.disconnect();
  }
}

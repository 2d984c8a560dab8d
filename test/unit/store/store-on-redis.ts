/** A store on a Redis of the test, and a client beside it. Both end with the test. */
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { RedisActorStore } from '../../../src/store/redis/redis-actor-store.js';

/** Of the fence, with the default of REDIS_PREFIX. */
export const FENCE_KEY = 'warren:{0}:fence';

/** @param timeoutMs as of the store, in milliseconds. */
export function storeAt(t: Test, url: string, timeoutMs = 5_000): RedisActorStore {
  const store = new RedisActorStore(url, 'warren', timeoutMs);
  t.teardown(() => store.close());
  return store;
}

export function adminOf(t: Test, { url }: { readonly url: string }): Redis {
  const admin = new Redis(url, {
    tls: { rejectUnauthorized: false },
    ...(url.startsWith('redis:') && { tls: undefined }),
  });
  t.teardown(() => admin.disconnect());
  return admin;
}

/** The same address with another login. */
export function loginAt(url: string, user: string, password: string): string {
  const address = new URL(url);
  address.username = user;
  address.password = password;
  return address.href;
}

export async function settled(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

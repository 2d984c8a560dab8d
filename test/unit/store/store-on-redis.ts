/** A store on a Redis of the test, and a client beside it. Both end with the test. */
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { DEFAULT_KEY } from '../../../src/store/redis/redis-keys.js';
import { type RedisLocation, RedisStore } from '../../../src/store/redis/redis-store.js';
import { ACTOR } from './store-contract.js';

export function storeAt(t: Test, url: string, location: Partial<RedisLocation> = {}): RedisStore {
  const store = new RedisStore(ACTOR, {
    url,
    key: DEFAULT_KEY,
    timeoutMs: 5_000,
    leaseMs: 60_000,
    ...location,
  });
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

/** The store that the configuration asks for. Each is loaded only when it is used: a library costs start-up time. */
import type { Store } from './store.js';

export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'lmdb'; readonly folder: string }
  | {
      readonly kind: 'redis';
      readonly url: string;
      readonly key: string;
      readonly leaseMs: number;
    };

export interface StoreContext {
  /** Bound on one call of a remote store, in milliseconds. */
  readonly timeoutMs: number;
  /** Who this process is to other instances that share a remote store. */
  readonly instance: string;
  /** Runs a native call to its end before the thread can be ended. */
  readonly uninterrupted: <T>(call: () => T) => T;
}

export async function openStore(
  actor: string,
  config: StoreConfig,
  { timeoutMs, instance, uninterrupted }: StoreContext,
): Promise<Store> {
  switch (config.kind) {
    case 'memory': {
      const { MemoryStore } = await import('./memory-store.js');
      return new MemoryStore(actor);
    }
    case 'lmdb': {
      const { LmdbStore } = await import('./lmdb-store.js');
      return new LmdbStore(actor, config.folder, uninterrupted);
    }
    case 'redis': {
      const { RedisStore } = await import('./redis-store.js');
      return new RedisStore(actor, { ...config, timeoutMs, instance });
    }
    default:
      throw new Error(`unknown store: ${JSON.stringify(config satisfies never)}`);
  }
}

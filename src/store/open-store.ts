/** The store that the configuration asks for. Each is loaded only when it is used: a library costs start-up time. */
import type { Store } from './store.js';

const LOAD = {
  memory: () => import('./memory-store.js'),
  level: () => import('./level/level-store.js'),
  lmdb: () => import('./lmdb-store.js'),
  redis: () => import('./redis/redis-store.js'),
};

export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'level'; readonly folder: string }
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
  /** Runs a native call to its end before the thread can be ended. */
  readonly uninterrupted: <T>(call: () => T) => T;
}

/** Loads what `openStore` takes its time for. A native module is among it: a thread must not be ended meanwhile. */
export async function loadStore(kind: StoreConfig['kind']): Promise<void> {
  await LOAD[kind]();
}

export async function openStore(
  actor: string,
  config: StoreConfig,
  { timeoutMs, uninterrupted }: StoreContext,
): Promise<Store> {
  switch (config.kind) {
    case 'memory': {
      const { MemoryStore } = await LOAD.memory();
      return new MemoryStore(actor);
    }
    case 'level': {
      const { LevelStore } = await LOAD.level();
      return new LevelStore(actor, config.folder);
    }
    case 'lmdb': {
      const { LmdbStore } = await LOAD.lmdb();
      return new LmdbStore(actor, config.folder, uninterrupted);
    }
    case 'redis': {
      const { RedisStore } = await LOAD.redis();
      return new RedisStore(actor, { ...config, timeoutMs });
    }
    default:
      throw new Error(`unknown store: ${JSON.stringify(config satisfies never)}`);
  }
}

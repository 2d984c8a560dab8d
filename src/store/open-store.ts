/** The store that the configuration asks for. Each is loaded only when it is used: a library costs start-up time. */
import type { Store } from './store.js';

const LOAD = {
  memory: () => import('./memory-store.js'),
  level: () => import('./level/level-store.js'),
  redis: () => import('./redis/redis-store.js'),
};

export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'level'; readonly folder: string }
  | {
      readonly kind: 'redis';
      readonly url: string;
      readonly key: string;
      readonly leaseMs: number;
    };

export interface StoreContext {
  /** Bound on one call of a remote store, in milliseconds. */
  readonly timeoutMs: number;
}

/** Loads what `openStore` takes its time for. */
export async function loadStore(kind: StoreConfig['kind']): Promise<void> {
  await LOAD[kind]();
}

/**
 * Main thread only, before an owner opens its store: keeps a library in memory that has a thread of its own, as LevelDB has for its tables. That
 * thread outlives the owner that began it, and Node unmaps a library which no thread of ours has loaded any more.
 */
export async function keepLibrary(kind: StoreConfig['kind']): Promise<void> {
  if (kind === 'level') await loadStore(kind);
}

export async function openStore(
  actor: string,
  config: StoreConfig,
  { timeoutMs }: StoreContext,
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
    case 'redis': {
      const { RedisStore } = await LOAD.redis();
      return new RedisStore(actor, { ...config, timeoutMs });
    }
    default:
      throw new Error(`unknown store: ${JSON.stringify(config satisfies never)}`);
  }
}

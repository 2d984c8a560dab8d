/** Opens the store that the configuration names. The modules of a store are loaded only when it is used, since they cost start-up time. */
import type { ActorStore, Store } from './contract.js';
import type { RedisPlace } from './redis/redis-place.js';
import type { SelfTestOptions } from './redis/self-test.js';

const LOAD = {
  memory: () => import('./memory/memory-actor-store.js'),
  level: () => import('./level/level-actor-store.js'),
  redis: () => import('./redis/redis-actor-store.js'),
};

export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'level'; readonly folder: string }
  | ({ readonly kind: 'redis' } & RedisPlace);

export interface StoreContext {
  /** Bound on one call of a remote store, in milliseconds. */
  readonly timeoutMs: number;
  /** Where the memory store keeps what it stores. */
  readonly memory?: SharedArrayBuffer | undefined;
  /** For a store that another program runs and that will be committed to: it is tested first. */
  readonly selfTest?: SelfTestOptions;
}

/**
 * Main thread only, before an owner opens its store: keeps a library in memory that has a thread of its own, as LevelDB has for its tables. That
 * thread outlives the owner that began it, and Node unmaps a library which no thread of ours has loaded any more.
 */
export async function keepLibrary(kind: StoreConfig['kind']): Promise<void> {
  if (kind === 'level') await LOAD.level();
}

export async function openStore(
  config: StoreConfig,
  { timeoutMs, memory, selfTest }: StoreContext,
): Promise<Store> {
  switch (config.kind) {
    case 'memory': {
      if (!memory) throw new Error('a memory store needs memory');
      const { MemoryActorStore } = await LOAD.memory();
      return oneShard(new MemoryActorStore(memory));
    }
    case 'level': {
      const { LevelActorStore } = await LOAD.level();
      return oneShard(new LevelActorStore(config.folder));
    }
    case 'redis': {
      const { RedisStore } = await LOAD.redis();
      return new RedisStore(config, timeoutMs, selfTest);
    }
    default:
      throw new Error(`unknown store: ${JSON.stringify(config satisfies never)}`);
  }
}

function oneShard(store: ActorStore): Store {
  return { shard: () => store, close: () => store.close() };
}

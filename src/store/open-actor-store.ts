/** Opens the store that the configuration names. Only the modules of that store are loaded, to save start-up time. */
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
  /** The memory of the memory store. */
  readonly memory?: SharedArrayBuffer | undefined;
  /** Tests Redis before the first commit. Left out by readers. */
  readonly selfTest?: SelfTestOptions;
}

/**
 * Loads the native library of a store on the main thread, before an owner thread opens the store. LevelDB has a thread of its own, which outlives
 * the owner thread that started it. Node unmaps a library that none of its threads has loaded any longer, and that thread would crash.
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

/** The store that the configuration asks for. Each is loaded only when it is used: a library costs start-up time. */
import type { ActorStore } from './contract.js';

export type ActorStoreConfig =
  | { readonly kind: 'memory'; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'level'; readonly folder: string }
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string };

/** @param timeoutMs bound on one call of a remote store, in milliseconds. */
export async function openActorStore(config: ActorStoreConfig, timeoutMs: number): Promise<ActorStore> {
  switch (config.kind) {
    case 'memory': {
      const { MemoryActorStore } = await import('./memory/memory-actor-store.js');
      return new MemoryActorStore(config.memory);
    }
    case 'level': {
      const { LevelActorStore } = await import('./level/level-actor-store.js');
      return new LevelActorStore(config.folder);
    }
    case 'redis': {
      const { RedisActorStore } = await import('./redis/redis-actor-store.js');
      return new RedisActorStore(config.url, config.prefix, timeoutMs);
    }
    default:
      throw new Error(`unknown store: ${JSON.stringify(config satisfies never)}`);
  }
}

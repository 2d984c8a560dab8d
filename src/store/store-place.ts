/** The place of a store as text: for operators, and to see whether two processes use the same store. */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { levelFolderIn } from './level/level-files.js';
import type { StoreConfig } from './open-actor-store.js';
import { redisPlaceText } from './redis/redis-place.js';

/** For operators: has no credentials of a Redis address. */
export function placeOf(store: StoreConfig): string {
  if (store.kind === 'memory') return 'memory';
  if (store.kind === 'level') return levelFolderIn(resolve(store.folder));
  return redisPlaceText(store);
}

/** The same text for two processes that use the same store, also when their paths are written differently. */
export function identityOf(store: StoreConfig): string {
  if (store.kind !== 'level') return placeOf(store);
  try {
    return join(realpathSync(store.folder), levelFolderIn('.'));
  } catch {
    return placeOf(store);
  }
}

/** Says in words where a store is, for operators. */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { levelFolderIn } from './level/level-files.js';
import type { StoreConfig } from './open-actor-store.js';
import { redisPlaceText } from './redis/redis-place.js';

/** Without the credentials that a Redis address may carry. */
export function placeOf(store: StoreConfig): string {
  if (store.kind === 'memory') return 'memory';
  if (store.kind === 'level') return levelFolderIn(resolve(store.folder));
  return redisPlaceText(store);
}

/** The same for two processes that use the same store, however their environments spell it. */
export function identityOf(store: StoreConfig): string {
  if (store.kind !== 'level') return placeOf(store);
  try {
    return join(realpathSync(store.folder), levelFolderIn('.'));
  } catch {
    return placeOf(store);
  }
}

/** Computes the shard of an actor from its id. The result must never change for a store, and is the same on every node. */

/**
 * FNV-1a over the UTF-16 units of the id, then the last mixing step of MurmurHash3, which also spreads ids that differ only in their last digit.
 *
 * @param id `actor/key`, the key decoded.
 * @param shards number of shards of the store.
 * @returns the number of the shard, from 0.
 */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}

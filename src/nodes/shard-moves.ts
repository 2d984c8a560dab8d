/** Counts the shards that this node has taken and given away, for the metrics. Runs on the main thread. */
import type { OwnerEvent } from '../runtime/front/owner-handle.js';

export class ShardMoves {
  readonly #here = new Set<number>();
  /** How often this node has taken a shard: at its start, from another node, or from a node that was lost. */
  taken = 0;
  /** How often this node has given a shard away. */
  given = 0;

  onOwner(event: OwnerEvent): void {
    if (event.kind === 'serving') {
      if (!this.#here.has(event.shard)) this.taken += 1;
      this.#here.add(event.shard);
    } else if (event.kind === 'standby' && this.#here.delete(event.shard)) this.given += 1;
  }
}

/** Counts the shards that came to this node and that went to other nodes. On the main thread. */
import type { OwnerEvent } from '../runtime/front/owner-handle.js';

export class ShardMoves {
  readonly #here = new Set<number>();
  /** Shards that this node has taken: at its start, from another node, or from a node that was lost. */
  taken = 0;
  /** Shards that this node owned, and that another node owns or may own since. */
  given = 0;

  onOwner(event: OwnerEvent): void {
    if (event.kind === 'serving') {
      if (!this.#here.has(event.shard)) this.taken += 1;
      this.#here.add(event.shard);
    } else if (event.kind === 'standby' && this.#here.delete(event.shard)) this.given += 1;
  }
}

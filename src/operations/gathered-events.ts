/** Events of shards that come together, such as sixty-four when the store goes away: one line for all of a kind. Main thread only. */
import type { FromShard } from '../runtime/owner/events.js';

export type ShardEvent = Extract<FromShard, { kind: 'serving' | 'away' | 'standby' }>;

/** Events of a kind that come within this time of the first one are told together, in milliseconds. */
const GATHER_MS = 100;

interface Gathered {
  /** The newest. */
  event: ShardEvent;
  readonly shards: Set<number>;
}

export class GatheredEvents {
  readonly #onGathered: (event: ShardEvent, shards: number) => void;
  readonly #gathered = new Map<string, Gathered>();

  /** @param onGathered is called with the newest event, and the number of shards that it befell. */
  constructor(onGathered: (event: ShardEvent, shards: number) => void) {
    this.#onGathered = onGathered;
  }

  /** @returns true. */
  add(event: ShardEvent): true {
    const kind = event.kind === 'serving' ? `serving ${event.origin}` : event.kind;
    const gathered = this.#gathered.get(kind);
    if (gathered) {
      gathered.event = event;
      gathered.shards.add(event.shard);
      return true;
    }
    const first: Gathered = { event, shards: new Set([event.shard]) };
    this.#gathered.set(kind, first);
    setTimeout(() => {
      this.#gathered.delete(kind);
      this.#onGathered(first.event, first.shards.size);
    }, GATHER_MS).unref();
    return true;
  }
}

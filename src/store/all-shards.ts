/** Reads all shards of a store as if they were one, for operators and the command line. Commits go to single shards. */
import type { ActorStore, Loaded, Part, Scanned, Store } from './contract.js';
import type { ShardFence } from './shard-fence.js';
import { shardOf } from './shard-of.js';

/** The reading methods of `ActorStore`. Texts of several shards are not of one moment. */
export type Readable = Pick<ActorStore, 'load' | 'scan' | 'image'>;

/** A store whose number of shards is known. */
export interface Shards {
  readonly count: number;
  shard(at: number): ActorStore;
  /** The shard that an actor is in. @param id `actor/key`. */
  of(id: string): ActorStore;
  readonly all: Readable;
}

/** @param configured number of shards, for an empty store. A store that exists says itself how many it has. */
export async function shardsOf(store: Store, configured: number): Promise<Shards> {
  const first = await store.shard(0).fence();
  const count = first?.shards ?? configured;
  const shard = (at: number) => store.shard(at);
  return { count, shard, of: (id) => shard(shardOf(id, count)), all: allShards(count, shard) };
}

export function allShards(count: number, shard: (at: number) => ActorStore): Readable {
  return count === 1 ? shard(0) : new AllShards(count, shard);
}

/** The cursor of a listing: the shard, and the cursor in it. */
const PLACE = /^(\d+):(.*)$/s;

class AllShards implements Readable {
  readonly #count: number;
  readonly #shard: (at: number) => ActorStore;

  constructor(count: number, shard: (at: number) => ActorStore) {
    this.#count = count;
    this.#shard = shard;
  }

  get #shards(): ActorStore[] {
    return Array.from({ length: this.#count }, (_, at) => this.#shard(at));
  }

  /** A fence for the whole store: each number is the highest of all shards. */
  async #fence(): Promise<ShardFence | undefined> {
    const loads = await Promise.all(this.#shards.map((shard) => shard.load([], 0)));
    const fences = loads.map(({ fence }) => fence);
    const [first] = fences;
    if (!first) return undefined;
    const highest = (field: 'epoch' | 'version' | 'clock' | 'served') =>
      Math.max(...fences.map((fence) => fence?.[field] ?? 0));
    return {
      ...first,
      epoch: highest('epoch'),
      version: highest('version'),
      clock: highest('clock'),
      served: highest('served'),
      halted: fences.find((fence) => fence?.halted)?.halted ?? '',
    };
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    const [first = ''] = ids;
    const at = shardOf(first, this.#count);
    // The caller must load each shard by itself.
    if (ids.some((id) => shardOf(id, this.#count) !== at))
      throw new Error('these actors are in several shards');
    return this.#shard(at).load(ids, limitBytes);
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    const [, number = '0', place = ''] = after === undefined ? [] : (PLACE.exec(after) ?? []);
    const at = Number(number);
    if (at >= this.#count) throw new Error('there is no such place in a listing');
    const { entries, next } = await this.#shard(at).scan(prefix, place || undefined, limit);
    if (next !== undefined) return { entries, next: `${at}:${next}` };
    return { entries, next: at + 1 < this.#count ? `${at + 1}:` : undefined };
  }

  /** Each shard is read as of its own moment. */
  async *image(): AsyncGenerator<Part> {
    const fence = await this.#fence();
    for (const shard of this.#shards) for await (const { entries } of shard.image()) yield { fence, entries };
  }
}

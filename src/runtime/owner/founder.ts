/**
 * The founder makes all shards of an empty store, once. The owner that takes shard 0 makes all other shards, and then writes `founded` into the
 * fence of shard 0. After that, a missing shard was lost. Before that, an owner that finds its shard missing waits. Owner thread only.
 */
import { WarrenError } from '../../errors.js';
import { firstCommit } from '../../store/commit-id.js';
import type { ActorStore, Change } from '../../store/contract.js';
import type { ShardFence } from '../../store/shard-fence.js';

export interface FounderOptions {
  /** The configured number of shards. */
  readonly shards: number;
  readonly shard: (at: number) => ActorStore;
  /** The states that are stored together with the first fence of a shard. @param commit that writes them. */
  readonly firstChanges: (shard: number, commit: string) => Promise<readonly Change[]>;
  /** A new random id of 128 bits, in hexadecimal digits. */
  readonly randomId: () => string;
}

/** How to make a shard that has no fence. */
export interface First {
  /** Id of the store. */
  readonly store: string;
  readonly changes: readonly Change[];
  /** Why the shard must not be made; empty when it may. */
  readonly missing: string;
}

export class Founder {
  readonly #options: FounderOptions;

  constructor(options: FounderOptions) {
    this.#options = options;
  }

  get shards(): number {
    return this.#options.shards;
  }

  /** @throws WarrenError `shards-differ` when the store was made with another number of shards. */
  check(stored: ShardFence | undefined): void {
    const { shards } = this.#options;
    if (!stored || stored.shards === shards) return;
    throw new WarrenError(
      'shards-differ',
      `the store has ${stored.shards} shards since its first start, and SHARDS says ${shards}. Set SHARDS=${stored.shards}; for another number export the ` +
        'store, and import it into an empty one',
    );
  }

  /** The states that are stored together with the first fence of a shard. Throws as `ActorStore.fence`. */
  changesOf(shard: number): Promise<readonly Change[]> {
    return this.#options.firstChanges(shard, firstCommit(shard));
  }

  /**
   * How to make a shard that has no fence.
   *
   * @throws WarrenError `store-unclaimed` while another process makes the store, `shards-differ`, and as `ActorStore.fence`.
   */
  async firstOf(shard: number): Promise<First> {
    const { shards, randomId } = this.#options;
    const other = shards === 1 ? undefined : await this.#anotherThan(shard);
    this.check(other);
    if (!other && shard > 0) {
      throw new WarrenError('store-unclaimed', 'the store is empty; shard 0 is made first');
    }
    if (other?.founded === 0) {
      throw new WarrenError('store-unclaimed', 'another shard is being made; this one comes with it');
    }
    return {
      store: other?.store ?? randomId(),
      changes: await this.changesOf(shard),
      missing: other ? lostShard(shard) : '',
    };
  }

  /**
   * Makes every shard but shard 0, unless it exists already.
   *
   * @param fence of shard 0.
   * @throws WarrenError `store-halted` when a shard belongs to another store; and as `ActorStore.commit`.
   */
  async makeOthers(fence: ShardFence): Promise<void> {
    const { shards, shard: storeOf } = this.#options;
    const others = Array.from({ length: shards - 1 }, (_, at) => at + 1);
    await Promise.all(
      others.map(async (shard) => {
        const changes = await this.changesOf(shard);
        const next = { ...fence, shard, founded: 1, epoch: 1, version: 0, group: '', renewal: 0, lease: 0 };
        if ((await storeOf(shard).commit(undefined, next, changes)) === 'swapped') return;
        const stored = await fenceIn(storeOf(shard));
        if (stored?.store !== fence.store) throw new WarrenError('store-halted', otherStore(shard));
      }),
    );
  }

  /** The fence of another shard. For shard 0 any other one: if none exists, the store is empty. For all others shard 0, with its `founded`. */
  async #anotherThan(shard: number): Promise<ShardFence | undefined> {
    const { shards, shard: storeOf } = this.#options;
    if (shard > 0) return fenceIn(storeOf(0));
    const others = Array.from({ length: shards - 1 }, (_, at) => fenceIn(storeOf(at + 1)));
    return (await Promise.all(others)).find((fence) => fence !== undefined);
  }
}

async function fenceIn(store: ActorStore): Promise<ShardFence | undefined> {
  return (await store.load([], 0)).fence;
}

function lostShard(shard: number): string {
  return `shard ${shard} is missing from a store that was begun: all of its actors are lost. Restore it, or run \`warren accept-loss\``;
}

function otherStore(shard: number): string {
  return `shard ${shard} belongs to another store than shard 0. Restore the one or the other`;
}

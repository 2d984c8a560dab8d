/**
 * Assigns every shard a duty in this process: own it, watch its fence, or do nothing. The placement of the living nodes decides. Runs on the
 * owner thread.
 *
 * A shard that this node owns but should not own any longer is handed over: its owner finishes the requests that it has begun, and releases the
 * fence. The next owner watches the fence and takes it at once. Only `MOVES` shards move at a time. The other shards are
 * served.
 */
import type { Duty } from '../runtime/owner/owner.js';
import type { OwnerClock } from '../runtime/owner-clock.js';
import type { NodeEntry, Versions } from '../store/node-entry.js';
import type { ShardFence } from '../store/shard-fence.js';
import type { Membership } from './membership.js';
import { Placement } from './placement.js';

/** The part of a shard's owner that is needed here. */
export interface KeptShard {
  readonly serving: boolean;
  readonly seen: ShardFence | undefined;
  readonly looked: boolean;
  assign(duty: Duty): void;
}

export interface ShardKeeperOptions {
  readonly instance: string;
  readonly shards: readonly KeptShard[];
  /** By shard: whether an owner thread of this process, which has died, owned it. */
  readonly owned: readonly boolean[];
  readonly membership: Pick<Membership, 'setState' | 'state'>;
  readonly clock: OwnerClock;
  /** Called when a shard that this process does not serve holds other actors or versions than before. */
  readonly onHolds: (shard: number, holds: Versions) => void;
  /** Called once after `leave`, when this node has handed over all its shards. */
  readonly onLeft: () => void;
}

/** The time between two checks of the duties. What a shard holds, and whether it was handed over, shows in its fence. */
const LOOK_MS = 25;
/** The most shards that are handed over at a time. */
const MOVES = 4;

interface Computed {
  readonly placement: Placement;
  readonly holds: Versions | undefined;
  readonly owner: string | undefined;
  readonly watches: boolean;
}

export class ShardKeeper {
  readonly #options: ShardKeeperOptions;
  readonly #duties: Duty[];
  /** By shard: what `onHolds` was called with last. */
  readonly #reported: { seen: ShardFence | undefined; text: string }[];
  /** By shard: the result of the placement, and what it was computed from. */
  readonly #computed: (Computed | undefined)[] = [];
  #placement = new Placement([]);
  #leaving = false;
  #ended = false;

  constructor(options: ShardKeeperOptions) {
    this.#options = options;
    this.#duties = options.owned.map((owned) => (owned ? 'own' : 'rest'));
    this.#reported = options.shards.map(() => ({ seen: undefined, text: '' }));
    this.#look();
  }

  /** Takes the list of the living nodes. */
  see(nodes: readonly NodeEntry[]): void {
    this.#placement = new Placement(nodes);
    this.#assign();
  }

  /** Hands over every shard. */
  leave(): void {
    this.#leaving = true;
    this.#options.membership.setState('leaving');
  }

  end(): void {
    this.#ended = true;
  }

  #look(): void {
    if (this.#ended) return;
    for (const [at, shard] of this.#options.shards.entries()) this.#report(at, shard);
    this.#assign();
    this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  #report(at: number, { seen, serving }: KeptShard): void {
    const reported = this.#reported[at];
    if (!reported || !seen || serving || seen === reported.seen) return;
    const text = JSON.stringify(seen.holds);
    reported.seen = seen;
    if (text === reported.text) return;
    reported.text = text;
    this.#options.onHolds(at, seen.holds);
  }

  #assign(): void {
    const { shards, membership, onLeft } = this.#options;
    // Wait for the first list of the nodes.
    if (this.#placement.nodes.length === 0 && !this.#leaving) return;
    let moves = shards.filter((shard, at) => shard.serving && this.#duties[at] !== 'own').length;
    for (const [at, shard] of shards.entries()) {
      const duty = this.#dutyOf(at, shard);
      if (duty === this.#duties[at]) continue;
      const moving = shard.serving && duty !== 'own';
      if (moving && moves >= MOVES) continue;
      if (moving) moves += 1;
      this.#duties[at] = duty;
      shard.assign(duty);
    }
    if (membership.state === 'joining' && this.#isPrepared) membership.setState('ready');
    if (!this.#leaving || shards.some(({ serving }) => serving)) return;
    this.#leaving = false;
    this.#ended = true;
    onLeft();
  }

  #dutyOf(at: number, { seen, serving }: KeptShard): Duty {
    if (this.#leaving) return 'rest';
    const { instance } = this.#options;
    const placement = this.#placement;
    const holds = seen?.holds;
    let computed = this.#computed[at];
    // A renewed fence has the same `holds` object, so nothing is computed again.
    if (!computed || computed.placement !== placement || computed.holds !== holds) {
      const owner = placement.ownerOf(at, holds)?.instance;
      computed = { placement, holds, owner, watches: placement.watches(at, instance) };
      this.#computed[at] = computed;
    }
    const { owner, watches } = computed;
    // While no node is ready, the present owner keeps the shard.
    if (owner === instance || (owner === undefined && serving)) return 'own';
    return watches ? 'watch' : 'rest';
  }

  /** Whether this node has looked at the fence of every shard that it will get. */
  get #isPrepared(): boolean {
    const { instance, shards } = this.#options;
    if (!this.#placement.find(instance)) return false;
    return shards.every(
      ({ looked, seen }, at) => looked || !this.#placement.wouldOwn(at, instance, seen?.holds),
    );
  }
}

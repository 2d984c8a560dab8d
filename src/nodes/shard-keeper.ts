/**
 * Gives every shard of this node its duty, by the list of the living nodes. On the owner thread.
 *
 * What it decides is who should own a shard. A shard that this node has and shall not have any more is handed over: its owner answers what it has begun, and
 * releases the fence. The next owner has looked at the fence before, and takes it at once. Some shards move at a time, so that the others are served meanwhile.
 */
import type { Duty } from '../runtime/owner/owner.js';
import type { OwnerClock } from '../runtime/owner-clock.js';
import type { NodeEntry, Versions } from '../store/node-entry.js';
import type { ShardFence } from '../store/shard-fence.js';
import type { Membership } from './membership.js';
import { Placement } from './placement.js';

/** What it needs of the owner of a shard. */
export interface KeptShard {
  readonly serving: boolean;
  readonly seen: ShardFence | undefined;
  readonly looked: boolean;
  assign(duty: Duty): void;
}

export interface ShardKeeperOptions {
  readonly instance: string;
  readonly shards: readonly KeptShard[];
  /** Whether each is owned by this node already, from an owner thread that has died. */
  readonly owned: readonly boolean[];
  readonly membership: Pick<Membership, 'setState' | 'state'>;
  readonly clock: OwnerClock;
  /** A shard that is not here holds other versions than before. */
  readonly onHolds: (shard: number, holds: Versions) => void;
  /** This node has given away all that it had. Called once, after `leave`. */
  readonly onLeft: () => void;
}

/** How often the duties are looked at, in milliseconds: what a shard holds, and whether it was handed over, is seen in its fence. */
const LOOK_MS = 25;
/** Shards that are handed over at a time. */
const MOVES = 4;

interface Reckoned {
  readonly placement: Placement;
  readonly holds: Versions | undefined;
  readonly owner: string | undefined;
  readonly watches: boolean;
}

export class ShardKeeper {
  readonly #options: ShardKeeperOptions;
  readonly #duties: Duty[];
  /** What was said of each shard last. */
  readonly #told: { seen: ShardFence | undefined; text: string }[];
  /** What was reckoned for each shard last, and from what. */
  readonly #reckoned: (Reckoned | undefined)[] = [];
  #placement = new Placement([]);
  #leaving = false;
  #ended = false;

  constructor(options: ShardKeeperOptions) {
    this.#options = options;
    this.#duties = options.owned.map((owned) => (owned ? 'own' : 'rest'));
    this.#told = options.shards.map(() => ({ seen: undefined, text: '' }));
    this.#look();
  }

  /** The living nodes are these. */
  see(nodes: readonly NodeEntry[]): void {
    this.#placement = new Placement(nodes);
    this.#assign();
  }

  /** Gives every shard away. */
  leave(): void {
    this.#leaving = true;
    this.#options.membership.setState('leaving');
  }

  end(): void {
    this.#ended = true;
  }

  #look(): void {
    if (this.#ended) return;
    for (const [at, shard] of this.#options.shards.entries()) this.#tell(at, shard);
    this.#assign();
    this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  #tell(at: number, { seen, serving }: KeptShard): void {
    const told = this.#told[at];
    if (!told || !seen || serving || seen === told.seen) return;
    const text = JSON.stringify(seen.holds);
    told.seen = seen;
    if (text === told.text) return;
    told.text = text;
    this.#options.onHolds(at, seen.holds);
  }

  #assign(): void {
    const { shards, membership, onLeft } = this.#options;
    // Before the first list of the nodes nothing is known.
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
    let reckoned = this.#reckoned[at];
    // A fence that is renewed keeps its object of what the shard holds.
    if (!reckoned || reckoned.placement !== placement || reckoned.holds !== holds) {
      const owner = placement.ownerOf(at, holds)?.instance;
      reckoned = { placement, holds, owner, watches: placement.watches(at, instance) };
      this.#reckoned[at] = reckoned;
    }
    const { owner, watches } = reckoned;
    // Without a node that is ready, whoever has it keeps it.
    if (owner === instance || (owner === undefined && serving)) return 'own';
    return watches ? 'watch' : 'rest';
  }

  /** It has looked at every shard that it will get. */
  get #isPrepared(): boolean {
    const { instance, shards } = this.#options;
    if (!this.#placement.find(instance)) return false;
    return shards.every(
      ({ looked, seen }, at) => looked || !this.#placement.wouldOwn(at, instance, seen?.holds),
    );
  }
}

/**
 * Keeps this node in the registry, and knows the other nodes. On the owner thread.
 *
 * A heartbeat renews the entry of this node and returns all living ones. A registry that does not answer changes nothing here: the last view stays,
 * and what a node may do is decided by the lease of each shard.
 *
 * Two processes must not have one name. The process that finds its name taken leaves the entry alone and waits: for the end of the entry, for its
 * holder to leave, or for the proof that the holder has ended. When it has seen the holder renew, the holder lives, and this process has to end.
 */
import { messageOf, WarrenError } from '../errors.js';
import type { OwnerClock } from '../runtime/owner-clock.js';
import type { NodeEntry, NodeState } from '../store/node-entry.js';
import type { Conflict, NodeRegistry } from '../store/node-registry.js';

/** The longest time between two heartbeats, in milliseconds. */
const BEAT_MS = 250;

export interface MembershipOptions {
  readonly registry: NodeRegistry;
  readonly clock: OwnerClock;
  readonly leaseMs: number;
  /** In the state in which it begins. */
  readonly node: NodeEntry;
  /** Whether the process of such a mark has ended for certain. */
  readonly isDead: (process: string) => boolean;
  /** Called with each list that differs from the one before. It holds this node. */
  readonly onView: (nodes: readonly NodeEntry[]) => void;
  /** Another living process has the name of this node, so this one has to end. Called once. */
  readonly onTwin: (reason: string) => void;
  /** The registry refuses heartbeats until an operator changes something. Called once until it answers again. */
  readonly onDenied: (reason: string) => void;
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: NodeState;
  #nodes: readonly NodeEntry[] = [];
  #running = false;
  /** Heartbeat under way; it never rejects. */
  #beating: Promise<void> | undefined;
  #again = false;
  #cancel: (() => void) | undefined;
  /** As it was seen first. */
  #conflict: Conflict | undefined;
  #denied = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#state = options.node.state;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** The newest view; empty before the first one. */
  get nodes(): readonly NodeEntry[] {
    return this.#nodes;
  }

  start(): void {
    this.#running = true;
    this.#beatNow();
  }

  /** The other nodes are told at once. */
  setState(state: NodeState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (this.#running) this.#beatNow();
  }

  /** No heartbeat follows. The entry ends by itself. */
  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Ends with the entry removed, unless the registry is away. */
  async leave(): Promise<void> {
    this.stop();
    await this.#beating;
    const { registry, node } = this.#options;
    await this.#bounded(registry.leave(node.instance, node.incarnation));
  }

  #beatNow(): void {
    if (this.#beating) {
      this.#again = true;
      return;
    }
    this.#cancel?.();
    this.#cancel = undefined;
    this.#again = false;
    this.#beating = this.#beat().finally(() => {
      this.#beating = undefined;
      if (!this.#running) return;
      if (this.#again) this.#beatNow();
      else this.#cancel = this.#options.clock.after(this.#intervalMs, () => this.#beatNow());
    });
  }

  async #beat(): Promise<void> {
    const { registry, node, leaseMs, isDead } = this.#options;
    const holder = this.#conflict?.holder;
    const dead = holder && isDead(holder.process) ? holder.incarnation : '';
    const asked = registry.beat({ ...node, state: this.#state }, leaseMs, dead);
    asked.catch((error) => this.#failed(error));
    const beat = await this.#bounded(asked);
    if (!beat || !this.#running) return;
    this.#denied = false;
    if (beat.conflict) this.#nameTaken(beat.conflict);
    else this.#see(beat.nodes);
  }

  #failed(error: unknown): void {
    if (!(error instanceof WarrenError) || error.code !== 'store-denied' || this.#denied) return;
    this.#denied = true;
    if (this.#running) this.#options.onDenied(messageOf(error));
  }

  #see(nodes: readonly NodeEntry[]): void {
    this.#conflict = undefined;
    if (nodes === this.#nodes) return;
    this.#nodes = nodes;
    this.#options.onView(nodes);
  }

  #nameTaken(conflict: Conflict): void {
    const { holder, renewals } = conflict;
    const first = this.#conflict;
    if (first?.holder.incarnation !== holder.incarnation || renewals < first.renewals) {
      this.#conflict = conflict;
      return;
    }
    // One renewal may have been on its way when its sender ended.
    if (renewals - first.renewals < 2) return;
    // A predecessor that is about to leave is waited for.
    if (holder.state === 'leaving') return;
    this.stop();
    this.#options.onTwin(
      `another process on this Redis is called "${holder.instance}", too, and lives (${holder.address}); INSTANCE_ID must differ`,
    );
  }

  /** The result; undefined when it failed, or did not come within a lease. */
  #bounded<T>(asked: Promise<T>): Promise<T | undefined> {
    const { clock, leaseMs, registry } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.after(leaseMs, () => {
        registry.giveUp();
        resolve(undefined);
      });
      const settle = (result: T | undefined) => {
        cancel();
        resolve(result);
      };
      asked.then(settle, () => settle(undefined));
    });
  }

  get #intervalMs(): number {
    return Math.min(BEAT_MS, this.#options.leaseMs / 4);
  }
}

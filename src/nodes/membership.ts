/**
 * The membership of this node: keeps its entry in the registry of nodes, and the list of all living nodes. Runs on the owner thread.
 *
 * A heartbeat renews the entry of this node and returns all living ones. While the registry does not answer, the last list stays. That is safe,
 * since the lease of each shard decides what a node may do.
 *
 * Two processes must not have the same name. A process that finds its name taken does not touch the entry. It waits until the entry expires,
 * its holder leaves, or the holder's process is proven dead. When the holder renews the entry instead, this process ends.
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
  /** The first entry of this node. */
  readonly node: NodeEntry;
  /** Whether the process with this mark (`processMark()`) has ended for certain. */
  readonly isDead: (process: string) => boolean;
  /** Called with each list that differs from the one before. The list includes this node. */
  readonly onView: (nodes: readonly NodeEntry[]) => void;
  /** Called once, when another living process has the name of this node. This process has to end. */
  readonly onTwin: (reason: string) => void;
  /** Called when the registry refuses heartbeats until an operator changes something; again only after it has answered in between. */
  readonly onDenied: (reason: string) => void;
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: NodeState;
  #nodes: readonly NodeEntry[] = [];
  #running = false;
  /** The heartbeat under way; never rejects. */
  #beating: Promise<void> | undefined;
  /** Another heartbeat follows the current one at once. */
  #again = false;
  #cancel: (() => void) | undefined;
  /** The conflict about the name, as it was when first seen. */
  #conflict: Conflict | undefined;
  #denied = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#state = options.node.state;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** The newest list of living nodes; empty before the first answer. */
  get nodes(): readonly NodeEntry[] {
    return this.#nodes;
  }

  start(): void {
    this.#running = true;
    this.#beatNow();
  }

  /** Changes the state of this node, and sends a heartbeat at once. */
  setState(state: NodeState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (this.#running) this.#beatNow();
  }

  /** Stops the heartbeats. The entry expires after a lease. */
  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Stops, and removes the entry if the registry answers within a lease. */
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
    // One renewal may have been under way when its sender ended, so it takes two to prove that the holder lives.
    if (renewals - first.renewals < 2) return;
    // A predecessor that is leaving: wait for it.
    if (holder.state === 'leaving') return;
    this.stop();
    this.#options.onTwin(
      `another living process on this Redis has the name "${holder.instance}" too (${holder.address}); INSTANCE_ID must differ`,
    );
  }

  /** The result; undefined when the call fails, or takes longer than a lease. */
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

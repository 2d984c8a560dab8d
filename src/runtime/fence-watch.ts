/**
 * Watches the fence of a shard that another process owns, and says when this process may try to take over. Runs on the owner thread.
 *
 * The owner of a fence changes it at each commit and renewal. When this process has seen that, and the fence then stays unchanged for the
 * owner's lease and a tenth, or is released, the fence is free.
 *
 * A fence that was not seen to change proves less. A store that was away may have come back with an older fence or with none, while an owner
 * lives that knows newer commits. So that owner gets time (`noticeMs`) to notice the loss and to write its commits again.
 */
import { type Fence, isForward, isSameFence } from '../store/fence.js';
import { LAST_RETRY_MS, type Moment, momentOf, noticeMs } from './lease.js';
import type { OwnerClock } from './owner-clock.js';

/** Clocks of two machines differ by far less than this. */
const SLACK = 1.1;

export interface FenceWatchOptions {
  readonly clock: OwnerClock;
  /** The configured lease in milliseconds; undefined when no other process can reach the store. The fence has its owner's; the longer one counts. */
  readonly store: { readonly leaseMs: number | undefined };
  readonly commitTimeoutMs: number;
  readonly instance: string;
  /** Whether the process with this mark (`processMark()`) has ended for certain. */
  readonly isDead: (process: string) => boolean;
}

export class FenceWatch {
  readonly #options: FenceWatchOptions;
  #fence: Fence | undefined;
  /** Since when the fence is unchanged, by the monotonic clock. */
  #since = 0;
  /** When the fence was read last; undefined after a read that failed. */
  #lookedAt: Moment | undefined;
  /** The fence was seen to change. */
  #moving = false;
  /** The store was away or has lost commits, and the fence was not seen to change since. */
  #doubtful = false;

  constructor(options: FenceWatchOptions) {
    this.#options = options;
  }

  /** Takes the fence that was just read. */
  see(fence: Fence | undefined): void {
    const { clock, commitTimeoutMs } = this.#options;
    const { now, wall } = momentOf(clock);
    const last = this.#lookedAt;
    this.#lookedAt = { now, wall };
    // Between two reads that are far apart, as after a suspension, another owner may have served and the store may have lost its commits.
    const farMs = commitTimeoutMs + LAST_RETRY_MS;
    const unbroken = last && now - last.now <= farMs && wall - last.wall <= farMs;
    if (unbroken && isSameFence(this.#fence, fence)) return;
    const forward = isForward(this.#fence, fence);
    this.#moving = Boolean(unbroken && forward);
    if (this.#moving) this.#doubtful = false;
    else if (last) this.#doubtful = true;
    this.#fence = fence;
    this.#since = now;
  }

  /** Reports a read that failed. */
  interrupt(): void {
    this.#lookedAt = undefined;
    this.#moving = false;
    this.#doubtful = true;
  }

  /** Forgets what was seen. Called when this process has taken the fence: what it saw before says nothing about a later owner. */
  restart(): void {
    this.#lookedAt = undefined;
    this.#fence = undefined;
    this.#moving = false;
    this.#doubtful = false;
  }

  /** Whether no process claims the fence: there is none, it was released, or its owner is proven dead. */
  get unclaimed(): boolean {
    return !this.#fence || this.#fence.lease === 0 || this.#predecessorIsDead(this.#fence);
  }

  /** Whether to try to take the fence now. True at once when no other process can reach the store. */
  get free(): boolean {
    if (this.#options.store.leaseMs === undefined) return true;
    return this.#options.clock.now() - this.#since >= this.#waitMs();
  }

  #waitMs(): number {
    const { store, commitTimeoutMs } = this.#options;
    const fence = this.#fence;
    const leaseEndMs = fence?.lease === 0 ? 0 : SLACK * Math.max(store.leaseMs ?? 0, fence?.lease ?? 0);
    if (this.#moving && fence) return leaseEndMs;
    // This process is the restart of the dead owner, and the store has lost nothing: go on at once.
    if (fence && !this.#doubtful && this.#predecessorIsDead(fence)) return 0;
    const othersTimeMs = SLACK * noticeMs(commitTimeoutMs);
    return this.unclaimed ? othersTimeMs : Math.max(othersTimeMs, leaseEndMs);
  }

  #predecessorIsDead({ instance, lease, process }: Fence): boolean {
    const ours = lease === 0 || instance === this.#options.instance;
    return ours && this.#options.isDead(process);
  }
}

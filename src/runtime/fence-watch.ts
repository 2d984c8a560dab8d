/**
 * What a process that does not own the store learns by looking at its fence again and again, and when it may try to take over.
 * Lives on the owner thread.
 *
 * A fence that was seen to move, by looks that all succeeded, has an owner that writes to this very store. When it then stands
 * still for as long as its owner counts on, and a tenth, or is released, it is free. Without that the record says little: a store
 * that was away may have come back with an older record, or with none, while an owner lives that knows more. So whoever has
 * not seen the fence move gives that owner the time to notice and to write what it knows, whatever the record says.
 */
import { type Fence, isForward, isSameFence } from '../store/fence.js';
import { LAST_RETRY_MS, type Moment, momentOf, noticeMs } from './lease.js';
import type { OwnerClock } from './owner-clock.js';

/** Clocks of two machines differ by far less than this. */
const SLACK = 1.1;

export interface FenceWatchOptions {
  readonly clock: OwnerClock;
  /** As this process is set; the fence carries that of its owner, and the longer one counts. */
  readonly store: { readonly leaseMs: number | undefined };
  readonly commitTimeoutMs: number;
  readonly instance: string;
  /** Whether the process of such a mark is proven to have ended. */
  readonly isDead: (process: string) => boolean;
}

export class FenceWatch {
  readonly #options: FenceWatchOptions;
  #fence: Fence | undefined;
  /** Since when it is unchanged, by the monotonic clock. */
  #since = 0;
  /** The last look of an unbroken row of them. */
  #lookedAt: Moment | undefined;
  /** It was seen to move. */
  #moving = false;
  /** The store was away, or has lost commits, and no fence was seen to move since. */
  #doubtful = false;

  constructor(options: FenceWatchOptions) {
    this.#options = options;
  }

  /** A look that succeeded. */
  see(fence: Fence | undefined): void {
    const { clock, commitTimeoutMs } = this.#options;
    const { now, wall } = momentOf(clock);
    const last = this.#lookedAt;
    this.#lookedAt = { now, wall };
    // Between two looks that are far apart, as after a suspension, another owner may have served, and the store may have lost its commits.
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

  /** The store did not answer, or refused. */
  interrupt(): void {
    this.#lookedAt = undefined;
    this.#moving = false;
    this.#doubtful = true;
  }

  /** This process has owned the store meanwhile: what it had seen before is past. */
  restart(): void {
    this.#lookedAt = undefined;
    this.#fence = undefined;
    this.#moving = false;
    this.#doubtful = false;
  }

  /** Nobody counts on what was seen last: there is no record, it was released, or its owner is proven dead. */
  get unclaimed(): boolean {
    return !this.#fence || this.#fence.lease === 0 || this.#predecessorIsDead(this.#fence);
  }

  /** It is time to try: at once where no other process can reach the store. */
  get free(): boolean {
    if (this.#options.store.leaseMs === undefined) return true;
    return this.#options.clock.now() - this.#since >= this.#waitMs();
  }

  #waitMs(): number {
    const { store, commitTimeoutMs } = this.#options;
    const fence = this.#fence;
    const leaseEndMs = fence?.lease === 0 ? 0 : SLACK * Math.max(store.leaseMs ?? 0, fence?.lease ?? 0);
    if (this.#moving && fence) return leaseEndMs;
    // A restart goes on at once, where it is proven that it is one and nothing speaks against the record.
    if (fence && !this.#doubtful && this.#predecessorIsDead(fence)) return 0;
    const othersTimeMs = SLACK * noticeMs(commitTimeoutMs);
    return this.unclaimed ? othersTimeMs : Math.max(othersTimeMs, leaseEndMs);
  }

  #predecessorIsDead({ instance, lease, process }: Fence): boolean {
    const ours = lease === 0 || instance === this.#options.instance;
    return ours && this.#options.isDead(process);
  }
}

/** The grace (STORE_GRACE_MS): for this time requests wait while the store is away. When it is over, they are refused. Owner thread only. */
import type { OwnerClock } from '../owner-clock.js';

export class Grace {
  readonly #clocks: OwnerClock;
  readonly #ms: number;
  readonly #onOver: (reason: string) => void;
  #cancel: (() => void) | undefined;
  /** Why the store is away: the last error. */
  reason = '';
  /** Whether the grace is over and the store still away. */
  over = false;

  /** @param ms length of the grace, in milliseconds. @param onOver is called when it is over. */
  constructor(clocks: OwnerClock, ms: number, onOver: (reason: string) => void) {
    this.#clocks = clocks;
    this.#ms = ms;
    this.#onOver = onOver;
  }

  /** Says that the store is away. Does not start the grace again when it has begun already. */
  begin(reason: string): void {
    this.reason = reason;
    if (!this.#cancel) this.beginAnew();
  }

  beginAnew(): void {
    this.#cancel?.();
    this.#cancel = this.#clocks.after(this.#ms, () => {
      this.over = true;
      this.#onOver(this.reason);
    });
  }

  /** The store is back. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.over = false;
  }
}

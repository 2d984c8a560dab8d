/** Measures how long requests have been held while the store is away. */
import type { OwnerClock } from '../owner-clock.js';

export class Grace {
  readonly #clocks: OwnerClock;
  readonly #ms: number;
  readonly #onOver: (reason: string) => void;
  #cancel: (() => void) | undefined;
  /** Why the store is away, as was heard last. */
  reason = '';
  /** It has passed, and the store is not back. */
  over = false;

  /** @param onOver is called when it has passed. */
  constructor(clocks: OwnerClock, ms: number, onOver: (reason: string) => void) {
    this.#clocks = clocks;
    this.#ms = ms;
    this.#onOver = onOver;
  }

  /** The store went away. Runs on when it runs already. */
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

/**
 * Decides what happens after the owner thread has died: start another one, give a request up as poison, or end the process. Pure: the caller brings the clock and
 * carries out the decision.
 */

export interface RestartLimits {
  /** Deaths tolerated within the window; one more gives up. */
  readonly restartLimit: number;
  /** Milliseconds. */
  readonly restartWindowMs: number;
}

export interface Directive {
  readonly action: 'restart' | 'give-up';
  /** This death's message has killed an owner before: answer it and leave it out. */
  readonly poisoned: boolean;
}

export class Supervisor {
  readonly #limits: RestartLimits;
  #deaths: number[] = [];
  #lastSuspect: number | undefined;

  constructor(limits: RestartLimits) {
    this.#limits = limits;
  }

  /**
   * @param now milliseconds, monotonic.
   * @param suspect identity of the message whose turn was being taken, if any; equal for a message taken again.
   */
  died(now: number, suspect: number | undefined): Directive {
    this.#deaths = this.#deaths.filter((at) => now - at < this.#limits.restartWindowMs);
    this.#deaths.push(now);
    const poisoned = suspect !== undefined && suspect === this.#lastSuspect;
    this.#lastSuspect = poisoned ? undefined : suspect;
    return { action: this.#deaths.length > this.#limits.restartLimit ? 'give-up' : 'restart', poisoned };
  }
}

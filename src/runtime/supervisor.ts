/**
 * The supervisor decides what happens after an owner thread has died: start another one, answer a request as poisoned, or end the process. It
 * only decides: the caller passes in the time, and carries out the decision.
 */

export interface RestartLimits {
  /** How many deaths within the window are followed by a restart; one more ends the process. */
  readonly restartLimit: number;
  readonly restartWindowMs: number;
}

export interface Directive {
  readonly action: 'restart' | 'give-up';
  /** The message whose turn was being taken has ended two owner threads: answer it, and do not take it again. */
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
   * @param suspect ticket of the message whose turn was being taken; undefined between turns. The same when a message is taken again.
   */
  died(now: number, suspect: number | undefined): Directive {
    this.#deaths = this.#deaths.filter((at) => now - at < this.#limits.restartWindowMs);
    this.#deaths.push(now);
    const poisoned = suspect !== undefined && suspect === this.#lastSuspect;
    this.#lastSuspect = poisoned ? undefined : suspect;
    return { action: this.#deaths.length > this.#limits.restartLimit ? 'give-up' : 'restart', poisoned };
  }
}

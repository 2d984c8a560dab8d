/** Measures how many requests per second the owner answers. The rate is smoothed over about two seconds: with a slow store answers come in bursts. */
const WEIGHT = 0.05;

export class DrainRate {
  #counted = 0;
  #tickedAt: number | undefined;
  #perSecond = 0;

  get perSecond(): number {
    return this.#perSecond;
  }

  count(answers: number): void {
    this.#counted += answers;
  }

  /** Ends an interval of counting. @param now milliseconds, monotonic. */
  tick(now: number): void {
    if (this.#tickedAt !== undefined && now > this.#tickedAt) {
      const rate = (this.#counted * 1000) / (now - this.#tickedAt);
      this.#perSecond += WEIGHT * (rate - this.#perSecond);
    }
    this.#tickedAt = now;
    this.#counted = 0;
  }
}

/** A store whose commits are counted and timed. Lives on the owner thread, between the owner and the real store. */
import type { OwnerMeter } from '../meter/owner-meter.js';
import type { Checkpoint } from './checkpoint.js';
import type { Store } from './store.js';

export class MeteredStore implements Store {
  readonly #store: Store;
  readonly #meter: OwnerMeter;

  constructor(store: Store, meter: OwnerMeter) {
    this.#store = store;
    this.#meter = meter;
  }

  get leaseMs(): number | undefined {
    return this.#store.leaseMs;
  }

  load(): ReturnType<Store['load']> {
    return this.#store.load();
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): ReturnType<Store['commit']> {
    const meter = this.#meter;
    const start = performance.now();
    try {
      const outcome = await this.#store.commit(expected, next);
      meter.commitLatency.record(performance.now() - start);
      if (outcome === 'swapped')
        meter.addCommit(Math.max(0, next.state - (expected ?? next).state), next.state);
      else meter.addRefusal();
      return outcome;
    } catch (error) {
      meter.addFailure();
      throw error;
    }
  }

  predecessor(): ReturnType<Store['predecessor']> {
    return this.#store.predecessor();
  }

  close(): ReturnType<Store['close']> {
    return this.#store.close();
  }
}

/** Wraps one shard of a store, to count and time its commits for the metrics. Owner thread only. */
import { FAILURES, LOADS, type OwnerMeter, REFUSALS, VERSION } from '../meter/owner-meter.js';
import type { ActorStore, Change, CommitOutcome, Loaded, Part, Scanned } from './contract.js';
import type { ShardFence } from './shard-fence.js';

export class MeteredStore implements ActorStore {
  readonly shared: boolean;
  readonly awaitsReplicas: boolean;
  readonly #store: ActorStore;
  readonly #meter: OwnerMeter;

  constructor(store: ActorStore, meter: OwnerMeter) {
    this.shared = store.shared;
    this.awaitsReplicas = store.awaitsReplicas;
    this.#store = store;
    this.#meter = meter;
  }

  get connection(): number {
    return this.#store.connection;
  }

  fence(): Promise<ShardFence | undefined> {
    return this.#store.fence();
  }

  load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    this.#meter.add(LOADS, ids.length);
    return this.#store.load(ids, limitBytes);
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    return this.#store.scan(prefix, after, limit);
  }

  image(): AsyncGenerator<Part> {
    return this.#store.image();
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    const meter = this.#meter;
    const start = performance.now();
    try {
      const outcome = await this.#store.commit(expected, next, changes);
      meter.commitLatency.record(performance.now() - start);
      if (outcome !== 'swapped') meter.add(REFUSALS);
      else {
        meter.set(VERSION, next.version);
        // A take-over and a renewal store no state: they are no groups.
        if (changes.length > 0) this.#countGroup(changes);
      }
      return outcome;
    } catch (error) {
      meter.add(FAILURES);
      throw error;
    }
  }

  predecessor(): Promise<string | undefined> {
    return this.#store.predecessor();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #countGroup(changes: readonly Change[]): void {
    let bytes = 0;
    let actors = 0;
    for (const { id, text } of changes) {
      bytes += id.length + (text?.length ?? 0);
      // Ids with a tilde belong to answer records.
      if (!id.startsWith('~')) actors += 1;
    }
    this.#meter.groupSizes.record(actors);
    this.#meter.groupBytes.record(bytes);
  }
}

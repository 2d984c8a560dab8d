/**
 * Injects faults, so that an operator can watch the service recover. Exists only with FAULTS=on. The main thread writes the faults into shared memory, and the owner
 * thread carries them out. Each new owner thread gets the same memory, so a store that is "away" stays away for it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WarrenError } from '../errors.js';
import type { ActorStore, Change, CommitOutcome, Loaded, Part, Scanned } from '../store/contract.js';
import type { ShardFence } from '../store/shard-fence.js';

const STORE_DELAY_MS = 0;
const STORE_DROPPED = 1;
const HANG = 2;
const WORDS = 3;

/** How often the owner looks for the command to hang, in milliseconds. */
const LOOK_MS = 20;

/** The main thread's side. */
export class FaultInjection {
  readonly words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  #return: NodeJS.Timeout | undefined;

  /** Delay of every call of the store, in milliseconds; 0 ends it. */
  get storeDelayMs(): number {
    return Atomics.load(this.words, STORE_DELAY_MS);
  }

  set storeDelayMs(ms: number) {
    Atomics.store(this.words, STORE_DELAY_MS, ms);
  }

  get storeDropped(): boolean {
    return Atomics.load(this.words, STORE_DROPPED) === 1;
  }

  /** For `ms` milliseconds no call reaches the store; 0 ends it. */
  dropStore(ms: number): void {
    clearTimeout(this.#return);
    Atomics.store(this.words, STORE_DROPPED, ms > 0 ? 1 : 0);
    this.#return = setTimeout(() => Atomics.store(this.words, STORE_DROPPED, 0), ms).unref();
  }

  /** Makes the owner thread hang until the watchdog ends it. */
  hangOwner(): void {
    Atomics.store(this.words, HANG, 1);
  }
}

/** On the thread of an owner that has begun: hangs when that is commanded. */
export function hangOnCommand(words: Int32Array): void {
  const look = () => {
    if (Atomics.exchange(words, HANG, 0) === 1) for (;;);
  };
  setInterval(look, LOOK_MS).unref();
}

/** A store whose calls suffer as commanded. */
export class FaultyStore implements ActorStore {
  readonly shared: boolean;
  readonly awaitsReplicas: boolean;
  readonly #store: ActorStore;
  readonly #words: Int32Array;

  constructor(store: ActorStore, words: Int32Array) {
    this.shared = store.shared;
    this.awaitsReplicas = store.awaitsReplicas;
    this.#store = store;
    this.#words = words;
  }

  get connection(): number {
    return this.#store.connection;
  }

  async fence(): Promise<ShardFence | undefined> {
    await this.#suffer();
    return this.#store.fence();
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    await this.#suffer();
    return this.#store.load(ids, limitBytes);
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    await this.#suffer();
    return this.#store.scan(prefix, after, limit);
  }

  async *image(): AsyncGenerator<Part> {
    for await (const part of this.#store.image()) {
      await this.#suffer();
      yield part;
    }
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    await this.#suffer();
    return this.#store.commit(expected, next, changes);
  }

  async predecessor(): Promise<string | undefined> {
    await this.#suffer();
    return this.#store.predecessor();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #suffer(): Promise<void> {
    const ms = Atomics.load(this.#words, STORE_DELAY_MS);
    if (ms > 0) await delay(ms);
    if (Atomics.load(this.#words, STORE_DROPPED) === 1) {
      throw new WarrenError('store-refused', 'the store is kept away, as an injected fault');
    }
  }
}

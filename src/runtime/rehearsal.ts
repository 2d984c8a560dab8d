/**
 * Faults that an operator commands, to see the service heal. The main thread writes the commands into shared memory, which
 * each owner gets in turn, so a store that is away stays away for a new owner, too; the owner thread obeys. Exists only
 * with FAULTS=on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WarrenError } from '../errors.js';
import type { Checkpoint } from '../store/checkpoint.js';
import type { Store } from '../store/store.js';

const STORE_DELAY_MS = 0;
const STORE_DROPPED = 1;
const HANG = 2;
const WORDS = 3;

/** How often the owner looks for the command to hang, in milliseconds. */
const LOOK_MS = 20;

/** The main thread's side. */
export class Rehearsal {
  readonly words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  #return: NodeJS.Timeout | undefined;

  /** Added to every call of the store, in milliseconds, until it is set again. */
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

  /** The owner stops turning, until the watchdog ends it. */
  hangOwner(): void {
    Atomics.store(this.words, HANG, 1);
  }
}

/** The owner thread's side: begins to obey, and wraps the store. */
export function obey(words: Int32Array, store: Store): Store {
  const look = () => {
    if (Atomics.exchange(words, HANG, 0) === 1) for (;;);
  };
  setInterval(look, LOOK_MS).unref();
  return new RehearsedStore(store, words);
}

class RehearsedStore implements Store {
  readonly #store: Store;
  readonly #words: Int32Array;

  constructor(store: Store, words: Int32Array) {
    this.#store = store;
    this.#words = words;
  }

  get leaseMs(): number | undefined {
    return this.#store.leaseMs;
  }

  async load(): ReturnType<Store['load']> {
    await this.#suffer();
    return this.#store.load();
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): ReturnType<Store['commit']> {
    await this.#suffer();
    return this.#store.commit(expected, next);
  }

  async predecessor(): ReturnType<Store['predecessor']> {
    await this.#suffer();
    return this.#store.predecessor();
  }

  close(): ReturnType<Store['close']> {
    return this.#store.close();
  }

  async #suffer(): Promise<void> {
    const ms = Atomics.load(this.#words, STORE_DELAY_MS);
    if (ms > 0) await delay(ms);
    if (Atomics.load(this.#words, STORE_DROPPED) === 1) {
      throw new WarrenError('store-refused', 'the store is kept away, as a rehearsal');
    }
  }
}

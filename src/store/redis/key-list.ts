/**
 * Collects the Redis keys that one script call uses, and says in which of them the text of an id is stored. The order is that of `scripts.ts`:
 * fence, hash of the states, one hash of records per actor, windows.
 */
import { isState, recordOf, WINDOWS } from '../store-ids.js';
import type { RedisKeys } from './redis-keys.js';

/** Number of the hash of the states: Lua counts from 1. */
export const STATES_HASH = 1;
/** Stands for the windows, which are a sorted set. */
export const NO_HASH = 0;

export interface Place {
  /** Number of the hash, or `NO_HASH`. */
  readonly hash: number;
  /** Field of the hash, or name of the window. */
  readonly field: string;
}

export class KeyList {
  readonly #names: RedisKeys;
  readonly #hashes: string[];
  /** Id of an actor -> number of the hash with its records. */
  readonly #numbers = new Map<string, number>();
  #hasWindows = false;

  constructor(names: RedisKeys) {
    this.#names = names;
    this.#hashes = [names.actors];
  }

  /** How many hashes there are so far. */
  get hashes(): number {
    return this.#hashes.length;
  }

  /** The keys of all places so far. */
  get keys(): string[] {
    const { fence, windows } = this.#names;
    return [fence, ...this.#hashes, ...(this.#hasWindows ? [windows] : [])];
  }

  /** Where the text of this id is stored. Adds the key when it is a new one. */
  place(id: string): Place {
    if (isState(id)) return { hash: STATES_HASH, field: id };
    if (id.startsWith(WINDOWS)) {
      this.#hasWindows = true;
      return { hash: NO_HASH, field: id.slice(WINDOWS.length) };
    }
    const record = recordOf(id);
    if (!record) return { hash: STATES_HASH, field: id };
    let hash = this.#numbers.get(record.actor);
    if (hash === undefined) {
      hash = this.#hashes.push(this.#names.records + record.actor);
      this.#numbers.set(record.actor, hash);
    }
    return { hash, field: record.key };
  }
}

/** The keys that a script gets, in the order that `scripts.ts` says, and where among them the text of an id is. */
import { isState, recordOf, WINDOWS } from '../store-ids.js';
import type { RedisKeys } from './redis-keys.js';

/** Numbers among the hashes, as Lua counts. */
export const STATES_HASH = 1;
/** The windows are no hash. */
export const NO_HASH = 0;

export interface Place {
  readonly hash: number;
  /** Of the hash, or the name of a window. */
  readonly field: string;
}

export class KeyList {
  readonly #names: RedisKeys;
  readonly #hashes: string[];
  /** By the id of an actor: the hash of its records. */
  readonly #numbers = new Map<string, number>();
  #hasWindows = false;

  constructor(names: RedisKeys) {
    this.#names = names;
    this.#hashes = [names.actors];
  }

  /** How many hashes the places up to now are in. */
  get hashes(): number {
    return this.#hashes.length;
  }

  /** For the places up to now. */
  get keys(): string[] {
    const { fence, windows } = this.#names;
    return [fence, ...this.#hashes, ...(this.#hasWindows ? [windows] : [])];
  }

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

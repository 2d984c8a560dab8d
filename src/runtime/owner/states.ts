/**
 * The states in the owner's memory, bounded by bytes: the least recently used leaves first. To evict a state is free, since it is
 * stored; one that is part of a group which is not committed yet stays.
 */
import type { Behavior } from './served.js';

export interface ActorEntry {
  readonly behavior: Behavior;
  readonly key: string;
  /** `actor/key`: its name in the store. */
  readonly id: string;
  /** Frozen; undefined when the actor has no state. */
  state: unknown;
  /** Why the stored state cannot be read; undefined when it can. */
  readonly unreadable: string | undefined;
  /** Number of groups, open or under way, that hold a change of it. */
  pins: number;
  bytes: number;
  newer: ActorEntry | undefined;
  older: ActorEntry | undefined;
}

/** Memory of an entry beside its state: the objects, the key, and the entry of the map. */
const ENTRY_BYTES = 400;

export class States {
  readonly #limit: number;
  readonly #entries = new Map<string, ActorEntry>();
  #newest: ActorEntry | undefined;
  #oldest: ActorEntry | undefined;
  #bytes = 0;
  evictions = 0;

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The entry, which is now the most recently used. */
  find(id: string): ActorEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry && entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @param bytes what the state takes in memory, about. */
  add(
    behavior: Behavior,
    key: string,
    id: string,
    state: unknown,
    bytes: number,
    unreadable?: string,
  ): ActorEntry {
    const entry: ActorEntry = {
      behavior,
      key,
      id,
      state,
      unreadable,
      pins: 0,
      bytes: ENTRY_BYTES + bytes,
      newer: undefined,
      older: undefined,
    };
    this.#entries.set(id, entry);
    this.#bytes += entry.bytes;
    this.#link(entry);
    return entry;
  }

  change(entry: ActorEntry, state: unknown, bytes: number): void {
    this.#bytes += ENTRY_BYTES + bytes - entry.bytes;
    entry.bytes = ENTRY_BYTES + bytes;
    entry.state = state;
  }

  /** Evicts until the limit holds, or only pinned entries are left. Not within a turn. */
  trim(): void {
    for (let entry = this.#oldest; entry && this.#bytes > this.#limit; ) {
      const { newer } = entry;
      if (entry.pins === 0) {
        this.#unlink(entry);
        this.#entries.delete(entry.id);
        this.#bytes -= entry.bytes;
        this.evictions += 1;
      }
      entry = newer;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#newest = undefined;
    this.#oldest = undefined;
    this.#bytes = 0;
  }

  #link(entry: ActorEntry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink(entry: ActorEntry): void {
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
  }
}

/**
 * The states in the owner's memory, bounded by bytes over all shards: the least recently used leaves first. To evict a state is free, since it is
 * stored; one that is part of a group which is not committed yet stays.
 */
import type { Behavior } from './served.js';

export class ActorEntry {
  readonly behavior: Behavior;
  readonly key: string;
  /** Frozen; undefined when the actor has no state. */
  state: unknown;
  /** Why the stored state cannot be read; undefined when it can. */
  unreadable: string | undefined;
  /** The commit that wrote its state; empty when there is none, or when the state is not part of a group yet. */
  commit: string;
  /** Number of groups, open or under way, that hold a change of it. */
  pins = 0;
  bytes: number;
  newer: ActorEntry | undefined = undefined;
  older: ActorEntry | undefined = undefined;
  /** Where it is. */
  readonly states: States;

  constructor(
    states: States,
    behavior: Behavior,
    key: string,
    state: unknown,
    bytes: number,
    commit: string,
    unreadable: string | undefined,
  ) {
    this.states = states;
    this.behavior = behavior;
    this.key = key;
    this.state = state;
    this.commit = commit;
    this.unreadable = unreadable;
    this.bytes = bytes;
  }

  /** Its name in the store. */
  get id(): string {
    return idOf(this.behavior, this.key);
  }
}

/** Name of an actor in the store. */
export function idOf({ actor }: Behavior, key: string): string {
  return `${actor}/${key}`;
}

/** Memory of an entry beside the state's value and the characters of the key: its objects, and its place in the map. As measured. */
const ENTRY_BYTES = 240;

function bytesOf(key: string, stateBytes: number): number {
  return ENTRY_BYTES + key.length + stateBytes;
}

/** What the states of all shards share: the order of their use, and the bound. */
export class StateMemory {
  readonly #limit: number;
  #newest: ActorEntry | undefined;
  #oldest: ActorEntry | undefined;
  bytes = 0;
  count = 0;
  evictions = 0;

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(entry: ActorEntry): void {
    this.count += 1;
    this.bytes += entry.bytes;
    this.#link(entry);
  }

  remove(entry: ActorEntry): void {
    this.count -= 1;
    this.bytes -= entry.bytes;
    this.#unlink(entry);
  }

  /** It is now the most recently used. */
  use(entry: ActorEntry): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#link(entry);
  }

  /** Evicts until the limit holds, or only pinned entries are left. Not within a turn. */
  trim(): void {
    for (let entry = this.#oldest; entry && this.bytes > this.#limit; ) {
      const { newer } = entry;
      if (entry.pins === 0) {
        entry.states.evict(entry);
        this.evictions += 1;
      }
      entry = newer;
    }
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

/** Those of one shard. */
export class States {
  readonly #memory: StateMemory;
  /** By key. */
  readonly #entries = new Map<Behavior, Map<string, ActorEntry>>();

  constructor(memory: StateMemory) {
    this.#memory = memory;
  }

  /** The entry, which is now the most recently used. */
  find(behavior: Behavior, key: string): ActorEntry | undefined {
    const entry = this.#entries.get(behavior)?.get(key);
    if (entry) this.#memory.use(entry);
    return entry;
  }

  has(behavior: Behavior, key: string): boolean {
    return this.#entries.get(behavior)?.has(key) ?? false;
  }

  /** @param bytes what the state takes in memory, about. */
  add(
    behavior: Behavior,
    key: string,
    state: unknown,
    bytes: number,
    commit = '',
    unreadable: string | undefined = undefined,
  ): ActorEntry {
    const entry = new ActorEntry(this, behavior, key, state, bytesOf(key, bytes), commit, unreadable);
    let entries = this.#entries.get(behavior);
    if (!entries) {
      entries = new Map();
      this.#entries.set(behavior, entries);
    }
    entries.set(key, entry);
    this.#memory.add(entry);
    return entry;
  }

  change(entry: ActorEntry, state: unknown, bytes: number): void {
    const now = bytesOf(entry.key, bytes);
    this.#memory.bytes += now - entry.bytes;
    entry.bytes = now;
    entry.state = state;
    entry.commit = '';
    entry.unreadable = undefined;
  }

  evict(entry: ActorEntry): void {
    this.#memory.remove(entry);
    this.#entries.get(entry.behavior)?.delete(entry.key);
  }

  clear(): void {
    for (const entries of this.#entries.values())
      for (const entry of entries.values()) this.#memory.remove(entry);
    this.#entries.clear();
  }
}

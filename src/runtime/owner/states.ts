/**
 * The cache of states in the owner's memory. Its bytes are bounded over all shards, and the least recently used state is evicted first. A state can
 * be evicted since it is stored. A state whose commit is not finished is pinned: it stays. Owner thread only.
 */
import type { Behavior } from './behavior.js';

export class ActorEntry {
  readonly behavior: Behavior;
  readonly key: string;
  /** Frozen; undefined when the actor has no state. */
  state: unknown;
  /** Why the stored state cannot be read; undefined when it can. */
  unreadable: string | undefined;
  /** The commit that wrote its state; empty when there is none, or when the state is not part of a group yet. */
  commit: string;
  /** How many groups, open or under way, contain a change of this actor. */
  pins = 0;
  bytes: number;
  newer: ActorEntry | undefined = undefined;
  older: ActorEntry | undefined = undefined;
  /** The cache of its shard. */
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

/** Memory of an entry besides the state and the characters of the key, in bytes: its objects and its place in the map. Measured. */
const ENTRY_BYTES = 240;

function bytesOf(key: string, stateBytes: number): number {
  return ENTRY_BYTES + key.length + stateBytes;
}

/** What the caches of all shards share: the order of use, and the bound in bytes. */
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

  /** Makes an entry the most recently used one. */
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

/** The cache of one shard. */
export class States {
  readonly #memory: StateMemory;
  /** By key. */
  readonly #entries = new Map<Behavior, Map<string, ActorEntry>>();

  constructor(memory: StateMemory) {
    this.#memory = memory;
  }

  /** Finds an entry, and makes it the most recently used one. */
  find(behavior: Behavior, key: string): ActorEntry | undefined {
    const entry = this.#entries.get(behavior)?.get(key);
    if (entry) this.#memory.use(entry);
    return entry;
  }

  has(behavior: Behavior, key: string): boolean {
    return this.#entries.get(behavior)?.has(key) ?? false;
  }

  /** @param bytes estimate of the state's size in memory. */
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

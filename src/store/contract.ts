/**
 * The contract of a store: shards, each with one fence, and the states of many actors beside it.
 *
 * Every safety property rests on `commit`, which writes states only when the caller knows the stored fence. Locks and leases decide who should write, never who may.
 */
import type { NodeRegistry } from './node-registry.js';
import type { ShardFence } from './shard-fence.js';

/** The new stored text under an id; undefined deletes it. */
export interface Change {
  /** `actor/key`: the state of an actor. Or an id of the runtime's own, see `store-ids.ts`. */
  readonly id: string;
  readonly text: string | undefined;
}

/** `swapped`: done, and durable. `changed`: the stored fence is another than expected, and nothing was done. */
export type CommitOutcome = 'swapped' | 'changed';

/** What one read of the store has found, all of it at one moment. */
export interface Loaded {
  readonly fence: ShardFence | undefined;
  /** By position, perhaps only the first ones; undefined for an actor that has no state. */
  readonly texts: readonly (string | undefined)[];
}

/** What is stored under an id. */
export interface Entry {
  readonly id: string;
  readonly text: string;
}

/** A part of a listing. */
export interface Scanned {
  readonly entries: readonly Entry[];
  /** Where the next part begins: what `scan` takes as `after`. Undefined at the end. */
  readonly next: string | undefined;
}

/** A part of everything that a store holds. */
export interface Part {
  /** When the reading began. */
  readonly fence: ShardFence | undefined;
  /** Of two texts under one id the later counts; without a text the actor has no state any more. */
  readonly entries: readonly Change[];
}

/** All shards of a store. */
export interface Store {
  /** @param at its number, from 0 on. */
  shard(at: number): ActorStore;
  /** The nodes that share the store; undefined where no other process can reach it. */
  readonly registry?: NodeRegistry | undefined;
  /** Releases what the store holds. Commits under way may or may not happen. */
  close(): Promise<void>;
}

/** One shard. */
export interface ActorStore {
  /** Other processes can reach the store at the same time, so its owner needs a lease. */
  readonly shared: boolean;

  /** A commit counts only when replicas have it too. So the last commit that is read may not count yet; those before it do. */
  readonly awaitsReplicas: boolean;

  /** Changes whenever the connection was lost: the store may have come back with an older record. */
  readonly connection: number;

  /**
   * The stored fence; undefined when there is none. For the owner of the shard: who calls it has given up on its earlier calls. Others `load` nothing.
   *
   * @throws WarrenError `store-unreachable` (try again later), `store-corrupt`, `store-foreign` (give up).
   */
  fence(): Promise<ShardFence | undefined>;

  /**
   * The stored texts of these actors, with the fence that they belong to. Throws as `fence`.
   *
   * @param limitBytes no more texts follow when the first ones have reached about so many bytes; one is always there.
   */
  load(ids: readonly string[], limitBytes: number): Promise<Loaded>;

  /**
   * Lists the states whose ids begin with `prefix`, or the windows with `~window/`. Windows come in ascending order, also where states do not. What is
   * stored from the first part to the last is listed at least once, perhaps twice; what comes or goes meanwhile may be. Throws as `fence`.
   *
   * @param after undefined at first, then what the part before says in `next`.
   * @param limit about so many entries come at the most, perhaps fewer or none although more follow.
   */
  scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned>;

  /**
   * Reads everything, also while others write, in one part or more. A caller that stops early calls `return`. On LevelDB all of it is of one moment; elsewhere the state and
   * the records of one actor are, and come together. Each record is named by a window of the same image. The size of all records is left
   * out: writing them again counts them. Throws as `fence`.
   */
  image(): AsyncGenerator<Part>;

  /**
   * Replaces the fence `expected` by `next` and makes the changes, durably and all at once; or does nothing.
   *
   * @throws WarrenError `store-refused` (nothing has happened), `store-unreachable` (it may have happened, or may still happen).
   */
  commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome>;

  /**
   * The value that the service which the Fibonacci resident replaces has left behind, as text; undefined when there is none. Throws as
   * `fence`, and `predecessor-invalid` when it finds a record of an earlier form.
   */
  predecessor(): Promise<string | undefined>;

  /** Of a store with one shard: as `Store.close`. Where connections are shared, nothing. */
  close(): Promise<void>;
}

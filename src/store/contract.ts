/**
 * The contract of a store: a store has shards, and each shard has one fence, the states of many actors and their answer records.
 *
 * All guarantees depend on `commit`, which writes only when the stored fence is the one that the caller expects. Locks and leases decide who
 * should write; only this comparison decides who may.
 */
import type { NodeRegistry } from './node-registry.js';
import type { ShardFence } from './shard-fence.js';

/** The new stored text under an id; undefined deletes it. */
export interface Change {
  /** `actor/key` for the state of an actor, or an id of the runtime's own: see `store-ids.ts`. */
  readonly id: string;
  readonly text: string | undefined;
}

/** `swapped`: the commit is durable. `changed`: the stored fence is not the expected one, and nothing was written. */
export type CommitOutcome = 'swapped' | 'changed';

/** The result of one read, all of it as of one moment. */
export interface Loaded {
  readonly fence: ShardFence | undefined;
  /** In the order of the ids, perhaps only the first ones. Undefined for an id without a text. */
  readonly texts: readonly (string | undefined)[];
}

/** The stored text under an id. */
export interface Entry {
  readonly id: string;
  readonly text: string;
}

/** A part of a listing. */
export interface Scanned {
  readonly entries: readonly Entry[];
  /** The value of `after` for the next part; undefined at the end. */
  readonly next: string | undefined;
}

/** A part of an image: everything that a shard holds. */
export interface Part {
  /** The fence when the reading began. */
  readonly fence: ShardFence | undefined;
  /** When an id occurs twice, the later text counts. An undefined text says: the actor has no state any more. */
  readonly entries: readonly Change[];
}

/** A store, with all of its shards. */
export interface Store {
  /** @param at number of the shard, from 0. */
  shard(at: number): ActorStore;
  /** The registry of the nodes that share the store; undefined when no other process can reach it. */
  readonly registry?: NodeRegistry | undefined;
  /** Releases what the store holds. Commits under way may or may not happen. */
  close(): Promise<void>;
}

/** One shard of a store. */
export interface ActorStore {
  /** Whether other processes can reach the store at the same time, so that an owner needs a lease. */
  readonly shared: boolean;

  /** Whether a commit counts only when replicas have it too. Then the newest commit that a read shows may not count yet; the ones before it do. */
  readonly awaitsReplicas: boolean;

  /** Number of the connection. It changes when a connection was lost: the store may then have an older fence than before. */
  readonly connection: number;

  /**
   * The stored fence; undefined when there is none. Only the owner of the shard calls this, when it has given up its earlier calls. Other readers
   * `load` no ids.
   *
   * @throws WarrenError `store-unreachable` (try again later), `store-corrupt`, `store-foreign` (give up).
   */
  fence(): Promise<ShardFence | undefined>;

  /**
   * The stored texts under these ids, and the fence of the same moment. Throws as `fence`.
   *
   * @param limitBytes the result ends when its texts have reached about this many bytes. It has at least one text.
   */
  load(ids: readonly string[], limitBytes: number): Promise<Loaded>;

  /**
   * Lists the states whose ids begin with `prefix`, or the windows with the prefix `~window/`. Windows come in ascending order; states may come
   * in any order. An entry that exists during the whole listing is listed at least once, perhaps twice. One that is added or deleted meanwhile
   * may be listed. Throws as `fence`.
   *
   * @param after undefined at first, then `next` of the part before.
   * @param limit about the most entries of a part. There may be fewer, or none, although more follow.
   */
  scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned>;

  /**
   * Reads an image: everything that the shard holds, in parts, while its owner may go on writing. A caller that stops early must call `return`.
   *
   * On LevelDB the whole image is of one moment. On other stores only the state and the records of one actor are, which come in one part. Each
   * record is named by a window of the same image. `~size` is left out: an import counts the records anew. Throws as `fence`.
   */
  image(): AsyncGenerator<Part>;

  /**
   * Replaces the fence `expected` by `next` and makes the changes, atomically and durably; or does nothing, when the stored fence is another one.
   *
   * @throws WarrenError `store-refused` (the commit had no effect), `store-unreachable` (it may have had one, or may have one later).
   */
  commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome>;

  /**
   * The value that the predecessor of the Fibonacci resident, a Go service, has left in this store, as text; undefined when there is none. Throws
   * as `fence`, and `predecessor-invalid` for a record of an earlier form of Warren.
   */
  predecessor(): Promise<string | undefined>;

  /** As `Store.close` for a store with one shard. Does nothing when the connections belong to a `Store`. */
  close(): Promise<void>;
}

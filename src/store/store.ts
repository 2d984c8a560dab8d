/**
 * The contract of a store: one record, read whole and replaced by compare-and-set.
 *
 * Every safety property of Warren above it rests on `commit` alone: a checkpoint is replaced only by somebody who
 * knew it. Locks and leases decide who should try, never who may.
 */
import type { Checkpoint } from './checkpoint.js';

/** `swapped`: done, and durable. `changed`: the stored record is another than expected, and nothing was done. */
export type CommitOutcome = 'swapped' | 'changed';

export interface Store {
  /**
   * For how long, in milliseconds, an owner counts on being left alone after a commit; undefined when no other process can
   * reach the store. The store does nothing about it: the lease stands in the record, for those who read it.
   */
  readonly leaseMs: number | undefined;

  /**
   * The stored checkpoint; undefined when there is none.
   *
   * @throws WarrenError `store-refused`, `store-unreachable` (try again later), `store-denied` (until an operator has mended it),
   * `store-corrupt`, `store-foreign` (give up).
   */
  load(): Promise<Checkpoint | undefined>;

  /**
   * Replaces `expected` by `next`, durably; or does nothing.
   *
   * @throws WarrenError `store-refused`, `store-denied` (nothing has happened), `store-unreachable` (it may have happened, or may
   * still happen later).
   */
  commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome>;

  /**
   * The value that a service which this one replaces has left behind, as text; undefined when there is none.
   * Asked only when there is no checkpoint.
   */
  predecessor(): Promise<string | undefined>;

  /** Releases what the store holds. Commits in flight may or may not happen. */
  close(): Promise<void>;
}

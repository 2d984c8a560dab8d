/** The events that an owner thread reports to the main thread, besides its replies. */
import type { NodeEntry, Versions } from '../../store/node-entry.js';

/** The events of one shard. */
export type FromShard =
  /** The fence is taken, and the owner takes turns. Comes again after every absence of the store. */
  | {
      readonly kind: 'serving';
      readonly shard: number;
      readonly epoch: number;
      readonly version: number;
      readonly origin: Origin;
      /** The store had lost the commits after this version, and the owner has written them again. Undefined: none were lost. */
      readonly repairedFrom: number | undefined;
    }
  /** The store has not answered for STORE_GRACE_MS. Comes once per absence, and again when a silent store says why. */
  | { readonly kind: 'away'; readonly shard: number; readonly reason: string }
  /** Another instance owns the shard, or may. Comes once until this instance serves again. */
  | { readonly kind: 'standby'; readonly shard: number; readonly reason: string }
  /** No instance may serve this shard until an operator intervenes. Other shards are served. */
  | { readonly kind: 'halted'; readonly shard: number; readonly reason: string }
  /** The owner of the shard has ended, and has released its fence. */
  | { readonly kind: 'shard-stopped'; readonly shard: number };

export type FromOwner =
  | FromShard
  /** The modules are loaded. From now on the thread runs its event loop. */
  | { readonly kind: 'loaded' }
  /** The store has passed its self-test. Comes once per process, only from a store that has such a test. */
  | {
      readonly kind: 'store-tested';
      readonly warnings: readonly string[];
      readonly unseen: string | undefined;
    }
  /** The state of this actor cannot be read. Its requests are answered with a problem. */
  | { readonly kind: 'state-unreadable'; readonly id: string; readonly reason: string }
  /** A behavior has thrown, or returned an invalid result. */
  | { readonly kind: 'behavior-failed'; readonly message: number; readonly failure: string }
  /** The owner cannot go on, and a successor could not either. */
  | { readonly kind: 'fatal'; readonly code: string; readonly reason: string }
  /** The list of living nodes has changed. */
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeEntry[] }
  /** What a shard holds that another node owns, as its fence says: nodes of an older version should not own it. */
  | { readonly kind: 'holds'; readonly shard: number; readonly holds: Versions }
  /** Redis refuses the heartbeats of this node until an operator changes something. The other nodes consider it lost. */
  | { readonly kind: 'registry-denied'; readonly reason: string }
  /** Every shard of the store has an owner, for the first time since this process started. */
  | { readonly kind: 'whole' }
  /** All shards are handed over. */
  | { readonly kind: 'left' }
  | { readonly kind: 'stopped' };

/**
 * From what the owner continues. `fresh`: an empty store. `stored`: a store with a fence. `resumed`: the shard that an earlier owner thread of
 * this process owned. `returned`: its own shard, after an absence of the store. `repaired`: a store that had lost commits, which it has written
 * again.
 */
export type Origin = 'fresh' | 'stored' | 'resumed' | 'returned' | 'repaired';

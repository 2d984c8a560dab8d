/** The events that an owner thread reports to the main thread, beside its replies. */

import type { NodeEntry, Versions } from '../../store/node-entry.js';

/** What befalls one shard. */
export type FromShard =
  /** The fence is taken, and turns are taken. Comes again after every absence of the store. */
  | {
      readonly kind: 'serving';
      readonly shard: number;
      readonly epoch: number;
      readonly version: number;
      readonly origin: Origin;
      /** The store had lost the commits after this version, which were written again. */
      readonly repairedFrom: number | undefined;
    }
  /** The store has not answered for the grace. Comes once per absence. */
  | { readonly kind: 'away'; readonly shard: number; readonly reason: string }
  /** Another instance owns the shard, or may. Comes once per tenure of others. */
  | { readonly kind: 'standby'; readonly shard: number; readonly reason: string }
  /** Nobody may go on from this shard, of several, until an operator has said so. */
  | { readonly kind: 'halted'; readonly shard: number; readonly reason: string }
  /** Its owner has ended, and holds nothing any more. */
  | { readonly kind: 'shard-stopped'; readonly shard: number };

export type FromOwner =
  | FromShard
  /** The modules are loaded: from here on the thread turns its event loop. */
  | { readonly kind: 'loaded' }
  /** The store has passed its test. Comes once per process, from a store that has a test. */
  | {
      readonly kind: 'store-tested';
      readonly warnings: readonly string[];
      readonly unseen: string | undefined;
    }
  /** This actor is answered with a problem until it can be read. */
  | { readonly kind: 'state-unreadable'; readonly id: string; readonly reason: string }
  /** A behavior threw, or returned what cannot be used. */
  | { readonly kind: 'behavior-failed'; readonly message: number; readonly failure: string }
  /** The owner cannot go on, and neither could a successor. */
  | { readonly kind: 'fatal'; readonly code: string; readonly reason: string }
  /** The living nodes have changed. */
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeEntry[] }
  /** What a shard that is not here holds, as its fence says: nodes of an older version are not to own it. */
  | { readonly kind: 'holds'; readonly shard: number; readonly holds: Versions }
  /** Redis refuses the heartbeats of this node until an operator changes something: the other nodes take it for lost. */
  | { readonly kind: 'registry-denied'; readonly reason: string }
  /** Every shard of the store has an owner: for the first time in this process. */
  | { readonly kind: 'whole' }
  /** All shards are given away. */
  | { readonly kind: 'left' }
  | { readonly kind: 'stopped' };

/**
 * Where the owner goes on from: an empty store, a stored one, the one that an owner thread of this process had, the same one after an
 * absence, or one that it has repaired.
 */
export type Origin = 'fresh' | 'stored' | 'resumed' | 'returned' | 'repaired';

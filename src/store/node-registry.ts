/** The interface of the registry: the list of the living nodes that share a store. A node renews its entry by heartbeats. */
import type { NodeEntry } from './node-entry.js';

/** Another living process has the name of this node. */
export interface Conflict {
  readonly holder: NodeEntry;
  /** Grows with every heartbeat of the holder. */
  readonly renewals: number;
}

export interface Beat {
  /** The living nodes. The same array as before when no entry has changed. */
  readonly nodes: readonly NodeEntry[];
  /** Set when the entry was not written, since another process has the name. */
  readonly conflict: Conflict | undefined;
}

export interface NodeRegistry {
  /**
   * Sends a heartbeat: writes or renews the entry of this node.
   *
   * @param ttlMs time after which the entry expires without another heartbeat, in milliseconds.
   * @param dead incarnation of a process that has ended for certain: its entry under this name may be replaced. '' for none.
   */
  beat(entry: NodeEntry, ttlMs: number, dead: string): Promise<Beat>;
  /** Removes the entry, if it is of this incarnation. */
  leave(instance: string, incarnation: string): Promise<void>;
  /** The living nodes, for a reader that is not a node. */
  list(): Promise<readonly NodeEntry[]>;
  /** Gives up the calls that have no answer yet. */
  giveUp(): void;
}

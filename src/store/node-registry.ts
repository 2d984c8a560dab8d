/** The registry of the nodes that share a store. */
import type { NodeEntry } from './node-entry.js';

/** Another process has the name. */
export interface Conflict {
  readonly holder: NodeEntry;
  /** Grows with every heartbeat of the holder. */
  readonly renewals: number;
}

export interface Beat {
  /** The living nodes; the same list as before when nothing has changed but renewals. */
  readonly nodes: readonly NodeEntry[];
  /** Set when the entry was not written. */
  readonly conflict: Conflict | undefined;
}

export interface NodeRegistry {
  /**
   * @param ttlMs time without a heartbeat after which the entry ends, in milliseconds.
   * @param dead incarnation of a process that has ended for certain: its entry is replaced if it has this name. '' for none.
   */
  beat(entry: NodeEntry, ttlMs: number, dead: string): Promise<Beat>;
  /** Removes the entry, if it is of this incarnation. */
  leave(instance: string, incarnation: string): Promise<void>;
  /** The living nodes, for a reader that is none of them. */
  list(): Promise<readonly NodeEntry[]>;
  /** For a caller that waits no longer for what it has asked. */
  giveUp(): void;
}

/**
 * The fence: the part of the store that says who may write, who should, and how many groups are stored. It knows nothing about the states beside it.
 *
 * Every write replaces the whole fence by compare-and-set, so only an owner that knows the stored fence can write. A take-over raises `epoch`, a group of
 * turns raises `version`, and a renewal of the lease raises only `renewal`.
 */

/** The owner that has written a fence. */
export interface Identity {
  /** The incarnation: random, of one process. Two processes never share it, whatever they are called. */
  readonly writer: string;
  /** INSTANCE_ID: what operators call the process, and its successor after a restart. */
  readonly instance: string;
  /** Where it runs: from this another process on the same host can tell that it is dead. Empty when unknown. */
  readonly process: string;
}

export interface Fence extends Identity {
  /** Fencing token; grows at every take-over. */
  readonly epoch: number;
  /** Number of the newest group that the record holds; grows over all epochs. A process that knows a larger one knows more. */
  readonly version: number;
  /** Grows with every renewal of the lease, so that those who watch see that its owner lives. */
  readonly renewal: number;
  /** For how long the owner counts on being left alone, in milliseconds; 0 when it has released the record. */
  readonly lease: number;
}

export function isSameFence(a: Fence | undefined, b: Fence | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.epoch === b.epoch &&
    a.version === b.version &&
    a.renewal === b.renewal &&
    a.lease === b.lease &&
    a.writer === b.writer
  );
}

/** Whether a store that held `before` may hold `after` without having lost anything. */
export function isForward(before: Fence | undefined, after: Fence | undefined): boolean {
  if (!before) return true;
  if (!after || after.version < before.version || after.epoch < before.epoch) return false;
  return after.epoch > before.epoch || after.version > before.version || after.renewal >= before.renewal;
}

/**
 * The fields of a fence that decide who may write: epoch, version, lease and writer. `shard-fence.ts` has the whole record.
 *
 * Every write to the store replaces the fence by compare-and-set, so only an owner that knows the stored fence can write. A take-over raises
 * `epoch`, a group raises `version`, and a renewal of the lease raises only `renewal`.
 */

/** The process that has written a fence. */
export interface Identity {
  /** The incarnation: a random id of one process. Two processes never have the same one. */
  readonly writer: string;
  /** INSTANCE_ID: the name of the process. A restarted process has the same name. */
  readonly instance: string;
  /** The process mark (`process-mark.ts`), by which another process on the same host can prove that this one has ended. Empty when unknown. */
  readonly process: string;
}

export interface Fence extends Identity {
  /** Fencing token; grows at every take-over. */
  readonly epoch: number;
  /** Number of the last group. It grows over all epochs. */
  readonly version: number;
  /** Grows with every renewal of the lease, which shows other instances that the owner lives. */
  readonly renewal: number;
  /** Length of the owner's lease, in milliseconds; 0 when the fence is released. */
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

/** Whether a store whose fence was `before` can have the fence `after` without having lost a commit. */
export function isForward(before: Fence | undefined, after: Fence | undefined): boolean {
  if (!before) return true;
  if (!after || after.version < before.version || after.epoch < before.epoch) return false;
  return after.epoch > before.epoch || after.version > before.version || after.renewal >= before.renewal;
}

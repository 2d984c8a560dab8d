/**
 * The name of a commit, as clients and operators see it: `SHARD.EPOCH.VERSION`, such as `0.3.17`. Comparable within a shard, number by number,
 * and never falling there.
 */

export interface CommitId {
  /** Of the owner that has made the group ready. */
  readonly epoch: number;
  /** Of the fence that the commit has written. */
  readonly version: number;
}

/** The one shard that there is. */
const SHARD = 0;
/** 15 digits are exact as a number. */
const TEXT = /^0\.(\d{1,15})\.(\d{1,15})$/;

export function commitText(epoch: number, version: number): string {
  return `${SHARD}.${epoch}.${version}`;
}

/** Of what the first fence of a store brings with it. */
export const FIRST_COMMIT = commitText(1, 0);

/** @returns undefined when it is no name of a commit. */
export function parseCommit(text: string): CommitId | undefined {
  const [, epoch, version] = TEXT.exec(text) ?? [];
  return version === undefined ? undefined : { epoch: Number(epoch), version: Number(version) };
}

/**
 * The name of a commit, as clients and operators see it: `SHARD.EPOCH.VERSION`, such as `0.3.17`. Comparable within a shard, number by number,
 * and never falling there.
 */

export interface CommitId {
  readonly shard: number;
  /** Of the owner that has made the group ready. */
  readonly epoch: number;
  /** Of the fence that the commit has written. */
  readonly version: number;
}

/** 15 digits are exact as a number. */
const TEXT = /^(\d{1,5})\.(\d{1,15})\.(\d{1,15})$/;

export function commitText({ shard, epoch, version }: CommitId): string {
  return `${shard}.${epoch}.${version}`;
}

/** Of what the first fence of a shard brings with it. */
export function firstCommit(shard: number): string {
  return commitText({ shard, epoch: 1, version: 0 });
}

/** @returns undefined when it is no name of a commit. */
export function parseCommit(text: string): CommitId | undefined {
  const [, shard, epoch, version] = TEXT.exec(text) ?? [];
  if (version === undefined) return undefined;
  return { shard: Number(shard), epoch: Number(epoch), version: Number(version) };
}

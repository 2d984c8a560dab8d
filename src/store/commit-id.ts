/**
 * The name of a commit, as clients and operators see it: `SHARD.EPOCH.VERSION`, such as `0.3.17`. Within a shard commits can be compared by
 * epoch, then version; a later commit has the higher name.
 */
export interface CommitId {
  readonly shard: number;
  /** Epoch of the owner that has sealed the group. */
  readonly epoch: number;
  /** Version of the fence that the commit has written. */
  readonly version: number;
}

/** 15 digits are exact as a number. */
const TEXT = /^(\d{1,5})\.(\d{1,15})\.(\d{1,15})$/;

export function commitText({ shard, epoch, version }: CommitId): string {
  return `${shard}.${epoch}.${version}`;
}

/** The commit that writes the first fence of a shard. */
export function firstCommit(shard: number): string {
  return commitText({ shard, epoch: 1, version: 0 });
}

/** @returns undefined when the text is not the name of a commit. */
export function parseCommit(text: string): CommitId | undefined {
  const [, shard, epoch, version] = TEXT.exec(text) ?? [];
  if (version === undefined) return undefined;
  return { shard: Number(shard), epoch: Number(epoch), version: Number(version) };
}

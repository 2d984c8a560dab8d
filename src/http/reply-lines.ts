/**
 * The header lines `Commit` and `Idempotency-Replayed` of an answer. Each begins with a line end: they are appended to another header's value, which saves
 * calls into uWebSockets.js.
 */
import { type CommitId, commitText } from '../store/commit-id.js';

export const REPLAYED_LINE = '\r\nIdempotency-Replayed: true';

let before: CommitId = { shard: 0, epoch: 0, version: 0 };
let lineBefore = '';

/** The receipt of a command: the commit that made its answer durable. Empty when none has. Many answers share a commit, so its text is kept. */
export function commitLine({ shard, epoch, version }: CommitId): string {
  if (epoch === 0) return '';
  if (epoch !== before.epoch || version !== before.version || shard !== before.shard) {
    before = { shard, epoch, version };
    lineBefore = `\r\nCommit: ${commitText(before)}`;
  }
  return lineBefore;
}

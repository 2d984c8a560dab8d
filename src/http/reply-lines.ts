/**
 * The header lines `Commit` and `Idempotency-Replayed` of an answer. Each begins with a line end: they are appended to another header's value, which saves
 * calls into uWebSockets.js.
 */
import { commitText } from '../store/commit-id.js';

export const REPLAYED_LINE = '\r\nIdempotency-Replayed: true';

let epochBefore = 0;
let versionBefore = 0;
let lineBefore = '';

/** The receipt of a command: the commit that made its answer durable. Empty when none has. Many answers share a commit, so its text is kept. */
export function commitLine(epoch: number, version: number): string {
  if (epoch === 0) return '';
  if (epoch !== epochBefore || version !== versionBefore) {
    epochBefore = epoch;
    versionBefore = version;
    lineBefore = `\r\nCommit: ${commitText(epoch, version)}`;
  }
  return lineBefore;
}

/** Header lines that tell what a reply is. Each begins with a line end: they go behind another header, in one call into the library. */
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

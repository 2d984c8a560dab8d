/** Checks the commits that answers name: within a shard, a command's commit must not be older than one that was known when the command was sent. */
import { type CommitId, commitText, parseCommit } from '../store/commit-id.js';
import type { HttpAnswer } from './http-client.js';

export class Receipts {
  /** The highest that an answer has named. */
  #highest: CommitId | undefined;

  /** To be given back with the answer to the request that is sent now. */
  get known(): CommitId | undefined {
    return this.#highest;
  }

  /** @returns what is wrong with the receipt of a 200. Without one the answer was not gated. */
  check({ headers }: HttpAnswer, known: CommitId | undefined): string | undefined {
    const text = headers['commit'];
    if (text === undefined) return undefined;
    const commit = typeof text === 'string' ? parseCommit(text) : undefined;
    if (!commit) return `200 with the commit ${JSON.stringify(text)}`;
    if (known && isBelow(commit, known)) {
      return `200 with the commit ${text}, and ${commitText(known)} was known before it was sent`;
    }
    if (!this.#highest || isBelow(this.#highest, commit)) this.#highest = commit;
    return undefined;
  }
}

function isBelow(a: CommitId, b: CommitId): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.version < b.version);
}

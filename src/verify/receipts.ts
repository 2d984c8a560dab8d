/** Checks the commits that answers name: within a shard, a command's commit must not be older than one that was known when the command was sent. */
import { type CommitId, commitText, parseCommit } from '../store/commit-id.js';
import type { HttpAnswer } from './http-client.js';

/** By shard, the highest commit that an answer has named. */
export type Known = readonly (CommitId | undefined)[];

export class Receipts {
  /** Replaced, and never changed: whoever sends a request keeps what was known then. */
  #highest: Known = [];

  /** To be given back with the answer to the request that is sent now. */
  get known(): Known {
    return this.#highest;
  }

  /** @returns what is wrong with the receipt of a 200. Without one the answer was not gated. */
  check({ headers }: HttpAnswer, known: Known): string | undefined {
    const text = headers['commit'];
    if (text === undefined) return undefined;
    const commit = typeof text === 'string' ? parseCommit(text) : undefined;
    if (!commit) return `200 with the commit ${JSON.stringify(text)}`;
    const { shard } = commit;
    const before = known[shard];
    if (before && isBelow(commit, before)) {
      return `200 with the commit ${text}, and ${commitText(before)} was known before it was sent`;
    }
    const highest = this.#highest[shard];
    if (!highest || isBelow(highest, commit)) {
      const raised = [...this.#highest];
      raised[shard] = commit;
      this.#highest = raised;
    }
    return undefined;
  }
}

function isBelow(a: CommitId, b: CommitId): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.version < b.version);
}

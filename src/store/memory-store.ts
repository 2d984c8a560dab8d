/**
 * The store that forgets: for trials and benchmarks. It lives in the owner thread and ends with it; what survives
 * the owner's crash is the checkpoint that the front keeps.
 */
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import type { CommitOutcome, Store } from './store.js';

export class MemoryStore implements Store {
  readonly leaseMs = undefined;
  readonly #actor: string;
  #record: string | undefined;

  constructor(actor: string) {
    this.#actor = actor;
  }

  async load(): Promise<Checkpoint | undefined> {
    return this.#record === undefined ? undefined : decodeCheckpoint(this.#actor, this.#record);
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    const known = expected && encodeCheckpoint(this.#actor, expected);
    if (this.#record !== known) return 'changed';
    this.#record = encodeCheckpoint(this.#actor, next);
    return 'swapped';
  }

  async predecessor(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}

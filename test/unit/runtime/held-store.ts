/**
 * A store whose calls wait until the test decides what becomes of each: the record swaps when a commit lands, which
 * may be long after its caller has given up, and an answer may be lost after the swap.
 */
import { WarrenError } from '../../../src/errors.js';
import type { Checkpoint } from '../../../src/store/checkpoint.js';
import type { CommitOutcome, Store } from '../../../src/store/store.js';

export type Fate =
  | 'succeeds'
  /** The store says no: nothing happened. */
  | 'is refused'
  /** The store says no until somebody has mended it: nothing happened. */
  | 'is denied'
  /** The connection breaks, and nothing happened. */
  | 'fails'
  /** The connection breaks after it happened. */
  | 'happens unseen'
  /** The record is beyond repair. */
  | 'is corrupt';

interface Call {
  readonly kind: 'load' | 'commit';
  readonly settle: (fate: Fate) => void;
}

export class HeldStore implements Store {
  /** Tells that others may reach the record; nobody else holds the lease here. */
  leaseMs: number | undefined;
  record: Checkpoint | undefined;
  /** Every record that ever stood in the store, oldest first. */
  readonly history: Checkpoint[] = [];
  readonly held: Call[] = [];
  /** With a fate, calls no longer wait. */
  automatic: Fate | undefined = 'succeeds';
  commits = 0;
  closed = false;
  onSwap: (before: Checkpoint | undefined, after: Checkpoint) => void = () => {};

  load(): Promise<Checkpoint | undefined> {
    return this.#call('load', () => this.record);
  }

  commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    this.commits += 1;
    return this.#call<CommitOutcome>('commit', () => {
      if (JSON.stringify(expected) !== JSON.stringify(this.record)) return 'changed';
      this.onSwap(this.record, next);
      this.record = next;
      this.history.push(next);
      return 'swapped';
    });
  }

  async predecessor(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Decides over a waiting call; by default the oldest. */
  answer(fate: Fate = 'succeeds', at = 0): void {
    const [call] = this.held.splice(at, 1);
    if (!call) throw new Error('no call waits');
    call.settle(fate);
  }

  #call<T>(kind: Call['kind'], happen: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (fate: Fate) => {
        if (fate === 'is refused') reject(new WarrenError('store-refused', 'refused by the test'));
        else if (fate === 'is denied') reject(new WarrenError('store-denied', 'denied by the test'));
        else if (fate === 'is corrupt') reject(new WarrenError('store-corrupt', 'corrupted by the test'));
        else if (fate === 'fails') reject(new WarrenError('store-unreachable', 'cut by the test'));
        else {
          const result = happen();
          if (fate === 'succeeds') resolve(result);
          else reject(new WarrenError('store-unreachable', 'cut by the test'));
        }
      };
      if (this.automatic) settle(this.automatic);
      else this.held.push({ kind, settle });
    });
  }
}

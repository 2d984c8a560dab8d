/**
 * One record that several instances reach, as in Redis: what becomes of each of their calls is the test's decision, and may be
 * decided long after the caller has given up, been suspended, or died. A restart may bring back any record that it ever held,
 * or none, or what an earlier service has left.
 */
import { WarrenError } from '../../../src/errors.js';
import type { Checkpoint } from '../../../src/store/checkpoint.js';
import type { CommitOutcome, Store } from '../../../src/store/store.js';
import type { FakeClock } from './fake-clock.js';
import type { Fate } from './held-store.js';

export const LEASE_MS = 3_000;

/** Whoever calls the store; `hear` runs what comes back, at once or later or never. */
export interface Caller {
  readonly instance: string;
  hear(answer: () => void): void;
  /** Was told what stands in the store, within its time. */
  read(record: Checkpoint | undefined): void;
}

export interface SharedCall {
  readonly caller: Caller;
  readonly since: number;
  readonly settle: (fate: Fate) => void;
}

export class SharedRecord {
  readonly #clock: FakeClock;
  readonly #timeoutMs: number;
  record: Checkpoint | undefined;
  /** What an earlier service has left. */
  predecessor: string | undefined;
  /** Every record that ever stood here, oldest first. */
  readonly #history: Checkpoint[] = [];
  /** Callers whose connection is still to the store as it was before its restart. */
  #broken = new Set<Caller>();
  readonly #callers = new Set<Caller>();
  held: SharedCall[] = [];
  /** With a fate, calls no longer wait. */
  automatic: Fate | undefined;
  /** `since`: when the commit was sent. */
  onSwap: (before: Checkpoint | undefined, after: Checkpoint, since: number) => void = () => {};

  /** @param timeoutMs after which a caller no longer takes an answer. */
  constructor(clock: FakeClock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** What a process of old has left. */
  begin(record: Checkpoint): void {
    this.record = record;
    this.#history.push(record);
  }

  reach(caller: Caller): Store {
    return {
      leaseMs: LEASE_MS,
      load: () => {
        const since = this.#clock.now();
        return this.#call(
          caller,
          () => this.record,
          (record) => {
            if (this.#clock.now() - since < this.#timeoutMs) caller.read(record);
          },
        );
      },
      commit: (expected, next) => {
        const since = this.#clock.now();
        return this.#call<CommitOutcome>(caller, () => this.#swap(expected, next, since));
      },
      predecessor: () => this.#call(caller, () => this.predecessor),
      close: async () => {},
    };
  }

  /**
   * Restarted with the record of so many commits ago, or of the reign before, or with none: with the data goes every
   * connection.
   *
   * @returns whether it has lost anything.
   */
  rollBack(commits: number | 'a reign'): boolean {
    const { record } = this;
    const lost = record !== undefined;
    const kept =
      commits === 'a reign'
        ? this.#history.findLastIndex(({ epoch }) => epoch < (record?.epoch ?? 0)) + 1
        : Math.max(0, this.#history.length - commits);
    this.#history.splice(kept);
    this.record = this.#history.at(-1);
    for (const { settle } of this.held.splice(0)) settle('fails');
    this.#broken = new Set(this.#callers);
    return lost;
  }

  #swap(expected: Checkpoint | undefined, next: Checkpoint, since: number): CommitOutcome {
    if (JSON.stringify(expected) !== JSON.stringify(this.record)) return 'changed';
    this.onSwap(this.record, next, since);
    this.record = next;
    this.#history.push(next);
    return 'swapped';
  }

  #call<T>(caller: Caller, happen: () => T, told: (result: T) => void = () => {}): Promise<T> {
    this.#callers.add(caller);
    return new Promise((resolve, reject) => {
      const lost = (code: 'store-refused' | 'store-unreachable') =>
        caller.hear(() => reject(new WarrenError(code, 'by the test')));
      const settle = (fate: Fate) => {
        if (fate === 'is refused') return lost('store-refused');
        if (fate === 'fails') return lost('store-unreachable');
        const result = happen();
        if (fate !== 'succeeds') return lost('store-unreachable');
        caller.hear(() => {
          told(result);
          resolve(result);
        });
      };
      if (this.#broken.delete(caller)) settle('fails');
      else if (this.automatic) settle(this.automatic);
      else this.held.push({ caller, since: this.#clock.now(), settle });
    });
  }
}

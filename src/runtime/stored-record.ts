/**
 * The record in the store as its owner knows it: taken over at the begin of a reign, reclaimed after a commit that failed,
 * and replaced by each commit; and for how long nobody else can have replaced it. On the owner thread, like its loop.
 *
 * A record is somebody else's, a successor's, when another process wrote it with a version larger than all that we have
 * acknowledged. A store that holds less than it did has lost what it had confirmed: whoever has acknowledged more
 * writes that anew, and whoever has only seen it waits until such an owner must have done so.
 */
import { WarrenError } from '../errors.js';
import type { Checkpoint } from '../store/checkpoint.js';
import type { CommitOutcome, Store } from '../store/store.js';
import { deadline } from './deadline.js';
import type { OwnerClock } from './owner-clock.js';
import type { Acknowledged, Origin } from './protocol.js';

export interface StoredRecordOptions {
  readonly store: Store;
  readonly clock: OwnerClock;
  /** Identity of this process in the checkpoint. */
  readonly writer: string;
  /** The state of a fresh actor, when neither the store nor a dead owner has one. */
  readonly freshState: () => Promise<{ state: number; origin: Origin }>;
  /** Bound on one call of the store, in milliseconds; past it the outcome counts as unknown. */
  readonly commitTimeoutMs: number;
}

export interface Reign {
  readonly origin: Origin;
  readonly acknowledged: Acknowledged;
}

/** The longest that an owner waits between two attempts to reach the store, in milliseconds. */
export const LAST_RETRY_MS = 400;

/** An idle owner renews its lease at least this often, in milliseconds, and so notices that the store has lost its record. */
const RENEWAL_MS = 1_000;

export class StoredRecord {
  readonly #options: StoredRecordOptions;
  readonly #renew: () => void;
  /** What the store is known to hold. */
  #stored: Checkpoint | undefined;
  /** The newest record that was read without taking over: should the store lose it, the sequence does not begin anew. */
  #witnessed: Checkpoint | undefined;
  /** Since when the store has held less than that, or nothing at all. */
  #lostSince: number | undefined;
  /** When it was last seen so. */
  #lostSeenAt = 0;
  #othersTimeUntil = 0;
  #leaseUntil = Number.POSITIVE_INFINITY;
  #cancelRenewal: () => void = () => {};

  /** @param renew called when the lease should be renewed by a commit, also an empty one. */
  constructor(options: StoredRecordOptions, renew: () => void) {
    this.#options = options;
    this.#renew = renew;
  }

  /** Of what the store is known to hold. */
  get state(): number | undefined {
    return this.#stored?.state;
  }

  /** No other instance can have taken over. */
  get leased(): boolean {
    return this.#options.clock.now() < this.#leaseUntil;
  }

  /** Until then others are given time to write a record anew: that is no absence of the store. By the clock. */
  get othersTimeUntil(): number {
    return this.#othersTimeUntil;
  }

  /** Another instance reigns: the lease is not ours to renew. */
  stopRenewing(): void {
    this.#cancelRenewal();
  }

  /** One commit. Rejects when its outcome is unknown, or the store has refused it. */
  replace(next: Checkpoint): Promise<CommitOutcome> {
    return this.#swap(this.#stored, next);
  }

  /**
   * First act of a reign: reads the record and replaces it by one of the next epoch.
   *
   * @param resume what a dead owner of this process had acknowledged.
   * @returns undefined when the record has changed in between.
   * @throws WarrenError `store-fenced` when another instance reigns, or may.
   */
  async takeOver(resume: Acknowledged | undefined): Promise<Reign | undefined> {
    const { writer, freshState } = this.#options;
    const stored = await this.#load();
    if (resume && stored && isSuccessor(stored, resume, writer)) throw fenced(stored);
    const base = resume ?? this.#newestKnown(stored);
    let origin: Origin = resume ? 'resumed' : 'stored';
    let state = base?.state ?? 0;
    if (!base) {
      ({ state, origin } = await freshState());
      if (origin === 'fresh') this.#trustEmptiness();
    }
    const next: Checkpoint = {
      epoch: Math.max(stored?.epoch ?? 0, base?.epoch ?? 0) + 1,
      version: Math.max(stored?.version ?? 0, base?.version ?? 0) + 1,
      state,
      writer,
    };
    if (!(await this.#settle(stored, next))) return undefined;
    this.#witnessed = undefined;
    return { origin, acknowledged: { epoch: next.epoch, version: next.version, state } };
  }

  /**
   * After a commit that failed: learns where the record stands and sets it to what was acknowledged.
   *
   * @param acknowledged called after the store was read: an async owner goes on meanwhile.
   * @returns epoch and version of the record; undefined when it has changed in between.
   * @throws WarrenError `store-fenced` when another instance reigns.
   */
  async reclaim(
    acknowledged: () => Acknowledged,
  ): Promise<Pick<Acknowledged, 'epoch' | 'version'> | undefined> {
    const stored = await this.#load();
    const { writer } = this.#options;
    const base = acknowledged();
    if (stored && isSuccessor(stored, base, writer)) throw fenced(stored);
    // Somebody who took over a store that had lost our record reigned in that epoch.
    const used = stored && stored.writer !== writer ? stored.epoch + 1 : (stored?.epoch ?? 0);
    const next = {
      // A late commit of a dead owner of ours may have brought back the epoch of its reign.
      epoch: Math.max(used, base.epoch),
      version: Math.max(stored?.version ?? 0, base.version) + 1,
      state: base.state,
      writer,
    };
    return (await this.#settle(stored, next)) ? next : undefined;
  }

  async #settle(stored: Checkpoint | undefined, next: Checkpoint): Promise<boolean> {
    const outcome = await this.#swap(stored, next);
    if (outcome === 'held') throw fenced(stored);
    return outcome === 'swapped';
  }

  async #swap(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    const { clock, commitTimeoutMs, store } = this.#options;
    const since = clock.now();
    const outcome = await deadline(clock, commitTimeoutMs, store.commit(expected, next));
    if (outcome === 'swapped') {
      this.#stored = next;
      this.#holdLease(since);
    }
    return outcome;
  }

  #load(): Promise<Checkpoint | undefined> {
    const { clock, commitTimeoutMs, store } = this.#options;
    return deadline(clock, commitTimeoutMs, store.load());
  }

  /** @param since when the commit that took or renewed the lease began. */
  #holdLease(since: number): void {
    const { store, clock } = this.#options;
    if (store.leaseMs === undefined) return;
    this.#leaseUntil = since + store.leaseMs;
    this.#cancelRenewal();
    this.#cancelRenewal = clock.after(Math.min(store.leaseMs / 3, RENEWAL_MS), this.#renew);
  }

  /**
   * The record to go on from. A store that holds less than it did has lost what it had confirmed: whoever has acknowledged
   * more writes that anew, and has the time for it before this one goes on from what it has seen.
   */
  #newestKnown(stored: Checkpoint | undefined): Checkpoint | undefined {
    if (!this.#witnessed || (stored && stored.version >= this.#witnessed.version)) {
      if (stored) this.#lostSince = undefined;
      this.#witnessed = stored;
      return stored;
    }
    if (!this.#othersHadTime()) throw fenced(this.#witnessed);
    return this.#witnessed;
  }

  /** A store without a record may be new, or may have lost all, while an owner lives that has acknowledged numbers. */
  #trustEmptiness(): void {
    if (this.#othersHadTime()) return;
    throw new WarrenError(
      'store-refused',
      'the store is empty; another instance may be about to write it anew',
    );
  }

  /** Whether an owner that lives must have noticed by now that the store has lost its record, and have written it anew. */
  #othersHadTime(): boolean {
    const { clock, store, commitTimeoutMs } = this.#options;
    if (store.leaseMs === undefined) return true;
    // One that is silent for longer than its lease may be replaced in any case.
    const enoughMs = Math.min(store.leaseMs, RENEWAL_MS + commitTimeoutMs + LAST_RETRY_MS);
    const now = clock.now();
    // Between two looks that are far apart, as after a suspension, another may have reigned, and the store have lost it all.
    if (this.#lostSince === undefined || now - this.#lostSeenAt > commitTimeoutMs + LAST_RETRY_MS) {
      this.#lostSince = now;
      this.#othersTimeUntil = now + enoughMs + LAST_RETRY_MS;
    }
    this.#lostSeenAt = now;
    return now - this.#lostSince >= enoughMs;
  }
}

/**
 * Whether a record was written by a process that took over after our reign: its version is larger than all that we have
 * acknowledged, since it has read that. Not our own process: an owner that died, or heard nothing, right after its take-over
 * has left a record that nobody was told of. And no record of a smaller version, whoever wrote it: that is a store that has
 * lost what it had confirmed; what was acknowledged is newer and is written again.
 */
function isSuccessor(stored: Checkpoint, acknowledged: Acknowledged, writer: string): boolean {
  return stored.writer !== writer && stored.version > acknowledged.version;
}

function fenced(stored: Checkpoint | undefined): WarrenError {
  const reign = stored ? `epoch ${stored.epoch}, writer ${stored.writer}` : 'no record yet';
  return new WarrenError('store-fenced', `another process owns the store (${reign})`);
}

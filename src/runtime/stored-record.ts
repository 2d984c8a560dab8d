/**
 * The record in the store as this process knows it: claimed at the begin of a reign and after a commit that failed, replaced by each
 * group, renewed while nothing happens, and released at a clean stop. On the owner thread, like its loop.
 *
 * A record is a successor's when another process wrote it that has read all that we have acknowledged: its version is larger, or
 * the same in a later epoch. A record of a smaller version, whoever wrote it, is a store that has lost commits: an owner writes
 * anew what it has acknowledged, and does not stand by. A process that owns nothing takes over only when its `FenceWatch` says so,
 * and then from the newest record that it has read.
 */
import { WarrenError } from '../errors.js';
import type { Checkpoint } from '../store/checkpoint.js';
import { type Fence, isSameFence } from '../store/fence.js';
import type { CommitOutcome, Store } from '../store/store.js';
import { deadline } from './deadline.js';
import { FenceWatch } from './fence-watch.js';
import { Lease, type Moment, momentOf, noticeMs, renewalMs } from './lease.js';
import type { OwnerClock } from './owner-clock.js';
import type { Acknowledged, Origin } from './protocol.js';

export interface StoredRecordOptions {
  readonly store: Store;
  readonly clock: OwnerClock;
  /** See `Identity`. */
  readonly writer: string;
  readonly instance: string;
  readonly process: string;
  /** Whether the process of such a mark is proven to have ended. */
  readonly isDead: (process: string) => boolean;
  /** The state of a fresh actor, when neither the store nor a dead owner has one. */
  readonly freshState: () => Promise<{ state: number; origin: Origin }>;
  /** Bound on one call of the store, in milliseconds; past it the outcome counts as unknown. */
  readonly commitTimeoutMs: number;
}

export interface Reign {
  /** Undefined when it goes on from what was acknowledged. */
  readonly origin: Origin | undefined;
  readonly acknowledged: Acknowledged;
}

export class StoredRecord {
  readonly #options: StoredRecordOptions;
  readonly #renew: () => void;
  readonly #lease: Lease;
  readonly #watch: FenceWatch;
  /** What the store is known to hold. */
  #stored: Checkpoint | undefined;
  /** The newest record that was read without taking over: should the store lose it, the sequence does not go back. */
  #witnessed: Checkpoint | undefined;
  /** A claim whose outcome is unknown, and when it was sent. */
  #claim: { readonly fence: Fence; readonly since: Moment } | undefined;
  /** No instance claims the record, and one that lives is given time to: that is no absence of the store. */
  #waiting = false;
  #cancelRenewal: () => void = () => {};

  /** @param renew called when the lease should be renewed. */
  constructor(options: StoredRecordOptions, renew: () => void) {
    this.#options = options;
    this.#renew = renew;
    const { store, clock, commitTimeoutMs } = options;
    // The store may come back without the record, and is then given up to others after this time, whatever the lease is.
    const longestMs = noticeMs(commitTimeoutMs);
    this.#lease = new Lease(clock, () =>
      store.leaseMs === undefined ? Number.POSITIVE_INFINITY : Math.min(store.leaseMs, longestMs),
    );
    this.#watch = new FenceWatch(options);
  }

  /** Of what the store is known to hold. */
  get state(): number | undefined {
    return this.#stored?.state;
  }

  get version(): number {
    return this.#stored?.version ?? 0;
  }

  /** No other process can have taken over. */
  get leased(): boolean {
    return this.#lease.held;
  }

  /** For how long that will be so, in milliseconds, should the store not answer. */
  get leaseLeftMs(): number {
    return this.#lease.leftMs;
  }

  /** The last claim has only been put off, so that another instance could have come first. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Another instance reigns: the lease is not ours to renew, and what we knew is past. */
  standBy(): void {
    this.#cancelRenewal();
    this.#lease.end();
    this.#stored = undefined;
  }

  /** Stores one more group. Rejects when its outcome is unknown, or the store has refused it. */
  commit(state: number): Promise<CommitOutcome> {
    return this.#replace({ state, version: this.version + 1 });
  }

  /** Tells all who watch that the owner lives, and the owner that it still is one. */
  renew(): Promise<CommitOutcome> {
    return this.#replace({ renewal: (this.#stored?.renewal ?? 0) + 1 });
  }

  /** Hands the record to whoever comes first; without an answer the lease just ends. */
  async release(): Promise<void> {
    this.#cancelRenewal();
    if (this.#options.store.leaseMs === undefined || !this.#stored) return;
    await this.#replace({ renewal: this.#stored.renewal + 1, lease: 0 }).catch(() => {});
    this.standBy();
  }

  /**
   * Makes the record ours: at the begin of a reign, and after a commit that failed, since only the record that a claim has
   * replaced tells what had become of it.
   *
   * @param known what this process has acknowledged; asked after the store was read, since an async owner goes on meanwhile.
   *   Undefined when it owns nothing.
   * @returns undefined when the record has changed in between.
   * @throws WarrenError `store-fenced` when another instance reigns, or may; `store-refused` when no instance claims the
   *   record, and one that lives is given time to.
   */
  async claim(known: () => Acknowledged | undefined): Promise<Reign | undefined> {
    const { writer, instance, process, store } = this.#options;
    this.#waiting = false;
    const stored = await this.#load();
    const acknowledged = known();
    if (acknowledged && stored && isSuccessor(stored, acknowledged, writer)) {
      this.#watch.restart();
      throw fenced(stored, this.#options);
    }
    const { version, state, epoch, origin } = acknowledged
      ? { ...acknowledged, origin: undefined }
      : await this.#newestKnown(stored);
    const next: Checkpoint = {
      epoch: Math.max(stored?.epoch ?? 0, epoch) + 1,
      version: versionOf(stored, version, state),
      renewal: 0,
      lease: store.leaseMs ?? 0,
      state,
      writer,
      instance,
      process,
    };
    const since = momentOf(this.#options.clock);
    this.#claim = { fence: next, since };
    if ((await this.#swap(stored, next, since)) === 'changed') return undefined;
    this.#claim = undefined;
    this.#witnessed = undefined;
    this.#watch.restart();
    return { origin, acknowledged: { epoch: next.epoch, version: next.version, state } };
  }

  /** Where a process that owns nothing may go on from, if it may. */
  async #newestKnown(stored: Checkpoint | undefined): Promise<Acknowledged & { origin: Origin }> {
    const watch = this.#watch;
    watch.see(stored);
    if (stored && stored.version >= (this.#witnessed?.version ?? 0)) this.#witnessed = stored;
    const newest = this.#witnessed;
    const origin = 'stored';
    // What an earlier service has left must be sound, before anybody waits for it.
    const base = newest
      ? ({ ...newest, origin } as const)
      : { epoch: 0, version: 0, ...(await this.#options.freshState()) };
    if (watch.free || this.#isOurClaim(stored)) return base;
    if (!watch.unclaimed) throw fenced(stored, this.#options);
    this.#waiting = true;
    throw new WarrenError(
      'store-refused',
      stored
        ? 'the record is free; another instance may be about to write a newer one'
        : 'the store is empty; another instance may be about to write it anew',
    );
  }

  /** A claim that had no answer has passed, and nobody can have reigned since. */
  #isOurClaim(stored: Checkpoint | undefined): boolean {
    if (!this.#claim || !stored || !isSameFence(stored, this.#claim.fence)) return false;
    const { clock, store } = this.#options;
    const lease = new Lease(clock, () => store.leaseMs ?? 0);
    lease.hold(this.#claim.since);
    return lease.held;
  }

  async #replace(fields: Partial<Checkpoint>): Promise<CommitOutcome> {
    if (!this.#stored) throw new Error('a record that is not ours is replaced');
    return this.#swap(this.#stored, { ...this.#stored, ...fields }, momentOf(this.#options.clock));
  }

  /** @param since before it was sent. */
  async #swap(expected: Checkpoint | undefined, next: Checkpoint, since: Moment): Promise<CommitOutcome> {
    const outcome = await this.#reach(() => this.#options.store.commit(expected, next));
    if (outcome === 'changed') return outcome;
    this.#stored = next;
    this.#lease.hold(since);
    this.#cancelRenewal();
    const { store, clock } = this.#options;
    if (store.leaseMs !== undefined && next.lease > 0) {
      this.#cancelRenewal = clock.after(renewalMs(store.leaseMs), this.#renew);
    }
    return outcome;
  }

  #load(): Promise<Checkpoint | undefined> {
    return this.#reach(() => this.#options.store.load());
  }

  async #reach<T>(call: () => Promise<T>): Promise<T> {
    const { clock, commitTimeoutMs } = this.#options;
    try {
      return await deadline(clock, commitTimeoutMs, call());
    } catch (error) {
      this.#watch.interrupt();
      throw error;
    }
  }
}

/** Only what differs from the stored group is a new one; it is newer than all that anybody may have read. */
function versionOf(stored: Checkpoint | undefined, version: number, state: number): number {
  const held = stored?.version ?? 0;
  if (version > held) return version;
  return stored?.state === state ? held : held + 1;
}

/** Not our own process: an owner that died right after its claim has left a record that nobody was told of. */
function isSuccessor(stored: Fence, acknowledged: Acknowledged, writer: string): boolean {
  if (stored.writer === writer) return false;
  if (stored.version !== acknowledged.version) return stored.version > acknowledged.version;
  return stored.epoch > acknowledged.epoch;
}

function fenced(stored: Fence | undefined, { instance, writer }: StoredRecordOptions): WarrenError {
  const reign = stored ? `epoch ${stored.epoch}, writer ${stored.writer}` : 'no record yet';
  const twin = stored && stored.instance === instance && stored.writer !== writer;
  return new WarrenError(
    'store-fenced',
    `another process owns the store (${reign})${twin ? `; its INSTANCE_ID is ours, "${instance}"` : ''}`,
  );
}

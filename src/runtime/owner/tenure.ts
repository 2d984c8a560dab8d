/**
 * The ownership of one shard: takes the fence, keeps the lease, and replaces the fence with each commit. Owner thread only.
 *
 * A read never decides whether a commit of unknown outcome has happened. Replacing the fence with a higher epoch decides it: the replaced fence
 * names the last stored group, and a commit that was sent before can no longer succeed.
 */
import assert from 'node:assert/strict';
import { WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Loaded, Scanned } from '../../store/contract.js';
import type { Identity } from '../../store/fence.js';
import { holdsUnder, type Versions } from '../../store/node-entry.js';
import type { ShardFence } from '../../store/shard-fence.js';
import { FenceWatch } from '../fence-watch.js';
import { Lease, momentOf, renewalMs } from '../lease.js';
import type { OwnerClock } from '../owner-clock.js';
import type { Founder } from './founder.js';
import type { Known, RepairLog } from './repair-log.js';

export interface TenureOptions {
  readonly store: ActorStore;
  /** Number of the shard, from 0. */
  readonly shard: number;
  readonly founder: Founder;
  /** The actors that this process serves, and the version of their states. */
  readonly actors: Versions;
  readonly clocks: OwnerClock;
  readonly identity: Identity;
  /** Whether the process with this mark (`processMark()`) has ended for certain. */
  readonly isDead: (process: string) => boolean;
  readonly leaseMs: number;
  /** Bound on one call of the store, in milliseconds; past it the outcome counts as unknown. */
  readonly commitTimeoutMs: number;
  readonly repair: RepairLog;
}

/** How an error begins that says: the store has not answered. */
export const NO_ANSWER = 'the store did not answer';

/** The result of taking the fence. */
export interface Taken {
  /** The replaced fence; undefined for an empty store. */
  readonly replaced: ShardFence | undefined;
  /** The store had lost the commits after this version, and they were written again. Undefined: none were lost. */
  readonly repairedFrom: number | undefined;
  /** Whether this process owned the shard before, perhaps by another owner thread. */
  readonly resumed: boolean;
}

export class Tenure {
  readonly #options: TenureOptions;
  readonly #lease: Lease;
  readonly #watch: FenceWatch;
  #fence: ShardFence | undefined;
  #seen: ShardFence | undefined;
  #looked = false;
  /** The newest version that is certainly stored, as a fence of another instance has shown, and the id of the store. */
  #witnessed: { readonly store: string; readonly version: number } | undefined;
  /** When the fence's `served` was right, by the monotonic clock. */
  #servedAt = 0;
  /** The store's connection at the last look. */
  #connection: number | undefined;

  constructor(options: TenureOptions) {
    const { store, clocks, leaseMs, commitTimeoutMs, identity, isDead } = options;
    this.#options = options;
    this.#lease = new Lease(clocks, () => (store.shared ? leaseMs : Number.POSITIVE_INFINITY));
    this.#watch = new FenceWatch({
      clock: clocks,
      store: { leaseMs: store.shared ? leaseMs : undefined },
      commitTimeoutMs,
      instance: identity.instance,
      isDead,
    });
  }

  /** The fence as it was read or written last. */
  get seen(): ShardFence | undefined {
    return this.#lease.held ? this.#fence : this.#seen;
  }

  /** Whether `watch` has read the fence. */
  get looked(): boolean {
    return this.#looked;
  }

  /** The fence as this owner has written it last; undefined when it holds none. */
  get fence(): ShardFence | undefined {
    return this.#fence;
  }

  /** As `fence`. @throws Error when this owner holds none. */
  get held(): ShardFence {
    if (!this.#fence) throw new Error('this owner holds no fence');
    return this.#fence;
  }

  /** Whether the lease holds, so that no other instance can have taken the fence. */
  get leased(): boolean {
    return this.#fence !== undefined && this.#lease.held;
  }

  /** How long the store was served since its first start, in milliseconds. */
  get servedMs(): number {
    return this.held.served + Math.max(0, this.#options.clocks.now() - this.#servedAt);
  }

  /** How long until an idle owner should renew its lease, in milliseconds; undefined when there is none to renew. */
  get renewalMs(): number | undefined {
    return this.#options.store.shared ? Math.floor(renewalMs(this.#options.leaseMs)) : undefined;
  }

  /**
   * Tries once to take the fence.
   *
   * @returns undefined when the fence has changed meanwhile: try again.
   * @throws WarrenError `store-fenced` when another instance owns the shard, `store-unclaimed` when another one may be about to take it: try
   *   again later.
   * @throws WarrenError `store-halted` when no instance may serve the shard, `shards-differ` when the store has another number of shards.
   */
  async take(): Promise<Taken | undefined> {
    const { store, repair, identity, leaseMs, founder, shard } = this.#options;
    let stored: ShardFence | undefined;
    try {
      stored = await this.bounded(store.fence());
    } catch (error) {
      this.#watch.interrupt();
      throw error;
    }
    this.#seen = stored;
    const known = repair.known;
    const knowsMore = known !== undefined && isLess(stored, known);
    founder.check(stored);
    // A bad record of another program must be reported now, not after waiting for the fence.
    if (!stored && !known) await this.bounded(founder.changesOf(shard));
    if (stored?.halted) throw new WarrenError('store-halted', stored.halted);
    if (!knowsMore && !this.#mayTake(stored)) {
      if (stored && stored.writer !== identity.writer) this.#standBehind(stored);
      throw this.#watch.unclaimed ? unclaimed(stored) : fenced(stored, identity);
    }
    const first = stored || known ? undefined : await this.bounded(founder.firstOf(shard));
    const lost =
      !knowsMore && this.#witnessed && isLess(stored, this.#witnessed) ? this.#witnessed : undefined;
    let changes: readonly Change[] = first && !first.missing ? first.changes : [];
    let next: ShardFence = {
      store: stored?.store ?? known?.store ?? first?.store ?? '',
      shard,
      shards: founder.shards,
      holds: holdsUnder(this.#options, stored?.holds ?? {}),
      founded: stored?.founded ?? (known || shard > 0 || founder.shards === 1 ? 1 : 0),
      epoch: this.#epochAfter(stored),
      version: stored?.version ?? 0,
      group: stored?.group ?? '',
      ...identity,
      renewal: 0,
      lease: store.shared ? leaseMs : 0,
      halted: '',
      clock: this.#clock(stored),
      served: Math.max(stored?.served ?? 0, this.#fence?.served ?? 0),
    };
    if (knowsMore) {
      const since = repair.since(stored?.version ?? 0);
      if (since) {
        changes = since;
        next = { ...next, version: known.version, group: known.group };
      } else next = { ...next, halted: lostText(stored, known.version) };
    } else if (lost) next = { ...next, halted: lostText(stored, lost.version) };
    else if (first?.missing) next = { ...next, halted: first.missing };
    if ((await this.#swap(stored, next, changes)) !== 'swapped') return undefined;
    if (next.halted) throw new WarrenError('store-halted', next.halted);
    this.#witnessed = undefined;
    this.#watch.restart();
    repair.adopt(next);
    if (next.founded === 0) await this.#found(next);
    const resumed = known !== undefined && known.store === stored?.store;
    return { replaced: stored, repairedFrom: knowsMore ? (stored?.version ?? 0) : undefined, resumed };
  }

  /** Makes all other shards after shard 0 was made, then marks the store as founded. If this fails, the next owner of shard 0 continues. */
  async #found(fence: ShardFence): Promise<void> {
    await this.bounded(this.#options.founder.makeOthers(fence));
    const founded = { ...this.#aged(fence), founded: 1, renewal: fence.renewal + 1 };
    if ((await this.#swap(fence, founded, [])) !== 'swapped') {
      throw new WarrenError('store-unreachable', 'the stored fence has changed');
    }
  }

  /** Whether this process has owned the shard, and has seen no other owner since. */
  get knows(): boolean {
    return this.#options.repair.known !== undefined;
  }

  /**
   * Reads the fence of a shard that this process does not take now. So it knows whether the owner lives when it has to take it.
   *
   * @returns whether the store has lost commits that this process knows. Then it must take the shard, to write them again.
   */
  async watch(): Promise<boolean> {
    let stored: ShardFence | undefined;
    try {
      stored = await this.bounded(this.#options.store.fence());
    } catch (error) {
      this.#watch.interrupt();
      throw error;
    }
    this.#seen = stored;
    this.#looked = true;
    const { known } = this.#options.repair;
    if (known && isLess(stored, known)) return true;
    this.#mayTake(stored);
    if (stored && stored.writer !== this.#options.identity.writer) this.#standBehind(stored);
    return false;
  }

  /**
   * Loads the stored texts of these ids, or of the first ones. Checks that the store has all commits of this owner: a store that has lost commits
   * would return outdated states.
   *
   * @throws WarrenError `store-unreachable` when the stored fence is another one: the fence must be taken again. And as `ActorStore.load`.
   */
  async load(ids: readonly string[], limitBytes: number): Promise<Loaded['texts']> {
    const known = this.held;
    const { fence, texts } = await this.bounded(this.#options.store.load(ids, limitBytes));
    if (fence?.store === known.store && fence.epoch === known.epoch && fence.version >= known.version)
      return texts;
    throw new WarrenError('store-unreachable', 'the stored fence has changed');
  }

  /**
   * The first entries whose ids begin with the prefix. They may be those of a later owner: then the next commit of this one fails. Throws as
   * `ActorStore.scan`.
   */
  async scan(prefix: string, limit: number): Promise<Scanned['entries']> {
    return (await this.bounded(this.#options.store.scan(prefix, undefined, limit))).entries;
  }

  /**
   * Commits a group: replaces the fence, and makes the changes.
   *
   * @param version of the next fence: one more than now.
   * @throws WarrenError as `ActorStore.commit`.
   */
  async commit(group: string, version: number, changes: readonly Change[]): Promise<CommitOutcome> {
    const fence = this.held;
    const { repair } = this.#options;
    assert.equal(version, fence.version + 1, 'a group is committed right after what it has seen');
    repair.append(version, group, changes);
    const outcome = await this.#swap(fence, { ...this.#aged(fence), version, group }, changes);
    if (outcome === 'swapped') repair.confirm(version, group);
    return outcome;
  }

  /** Renews the lease. Throws as `commit`. */
  renew(): Promise<CommitOutcome> {
    const fence = this.held;
    return this.#swap(fence, { ...this.#aged(fence), renewal: fence.renewal + 1 }, []);
  }

  /** Releases the fence, so that another instance may take it at once. If that fails, the lease ends by itself. */
  async release(): Promise<void> {
    const fence = this.#fence;
    this.#lease.end();
    if (fence && this.#options.store.shared)
      await this.#swap(fence, { ...fence, lease: 0 }, []).catch(() => {});
  }

  /** Forgets the own fence, since another instance owns the shard, and remembers the version that the other one has shown. */
  #standBehind(stored: ShardFence): void {
    this.#options.repair.clear();
    this.#fence = undefined;
    this.#lease.end();
    // With replicas the newest commit may not count yet. The one before it does, since an owner has one commit under way.
    const version = this.#options.store.awaitsReplicas ? Math.max(0, stored.version - 1) : stored.version;
    const { store } = stored;
    if (this.#witnessed?.store !== store || version > this.#witnessed.version)
      this.#witnessed = { store, version };
  }

  #mayTake(stored: ShardFence | undefined): boolean {
    const { store, identity } = this.#options;
    if (!store.shared || stored?.writer === identity.writer) return true;
    // On a new connection the store may have an older fence than before, although no read has failed.
    if (this.#connection !== undefined && this.#connection !== store.connection) this.#watch.interrupt();
    this.#connection = store.connection;
    this.#watch.see(stored);
    return this.#watch.free;
  }

  async #swap(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    const { clocks } = this.#options;
    const since = momentOf(clocks);
    const served = this.#fence ? this.servedMs : next.served;
    const now = clocks.now();
    const outcome = await this.bounded(this.#options.store.commit(expected, next, changes));
    if (outcome === 'swapped') {
      this.#fence = next;
      this.#servedAt = now - Math.max(0, served - next.served);
      this.#lease.hold(since);
    }
    return outcome;
  }

  /** The fence with its clocks set to now. */
  #aged(fence: ShardFence): ShardFence {
    return { ...fence, clock: this.#clock(fence), served: Math.floor(this.servedMs) };
  }

  /** The wall clock. Never goes back, also when the clock of this machine is behind that of the previous owner. */
  #clock(fence: ShardFence | undefined): number {
    return Math.max(fence?.clock ?? 0, Math.floor(this.#options.clocks.wall()));
  }

  /** The next epoch. It is above every epoch that this process has held, also when the store has lost them, since answers and late commits name them. */
  #epochAfter(stored: ShardFence | undefined): number {
    const { known } = this.#options.repair;
    const held = stored === undefined || stored.store === known?.store ? (known?.epoch ?? 0) : 0;
    return Math.max(stored?.epoch ?? 0, this.#fence?.epoch ?? 0, held) + 1;
  }

  /** Adds a time-out to a call of the store. After the time-out the outcome is unknown. */
  bounded<T>(call: Promise<T>): Promise<T> {
    const { clocks, commitTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clocks.after(commitTimeoutMs, () => {
        reject(new WarrenError('store-unreachable', `${NO_ANSWER} within ${commitTimeoutMs} ms`));
      });
      call.then(resolve, reject).finally(cancel);
    });
  }
}

/**
 * Whether a store has lost something: a commit, or only a take-over, whose epoch answers have named. A store with another id is another store,
 * and has lost nothing. Without `epoch` only the versions are compared.
 */
function isLess(
  stored: ShardFence | undefined,
  { store, version, epoch = 0 }: Pick<Known, 'store' | 'version'> & { readonly epoch?: number },
): boolean {
  if (stored === undefined) return true;
  if (stored.store !== store) return false;
  return stored.version < version || (stored.version === version && stored.epoch < epoch);
}

function lostText(stored: ShardFence | undefined, version: number): string {
  return (
    `the store has lost commits that it had confirmed: it holds version ${stored?.version ?? 0}, and ${version} was acknowledged. ` +
    'Restore it, or run `warren accept-loss`'
  );
}

function unclaimed(stored: ShardFence | undefined): WarrenError {
  const what = stored ? 'the fence is free' : 'the store is empty';
  return new WarrenError('store-unclaimed', `${what}; another instance may be about to write what it knows`);
}

function fenced(stored: ShardFence | undefined, { instance, writer }: Identity): WarrenError {
  const holder = stored ? `epoch ${stored.epoch}, writer ${stored.writer}` : 'no fence yet';
  const twin = stored && stored.instance === instance && stored.writer !== writer;
  return new WarrenError(
    'store-fenced',
    `another instance owns the store (${holder})${twin ? `; its INSTANCE_ID is ours, "${instance}"` : ''}`,
  );
}

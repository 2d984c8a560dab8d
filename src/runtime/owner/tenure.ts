/**
 * Who owns a shard of the store: takes the fence, keeps the lease, and replaces the fence with each group. Owner thread only.
 *
 * A read never decides. Whether a commit of unknown outcome has happened is settled by replacing the fence with a higher epoch: the
 * fence that this replaced says which group it held, and nothing that was sent before can still happen.
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
  /** Its number in the store, from 0 on. */
  readonly shard: number;
  readonly founder: Founder;
  /** The actors that this process serves, and the version of their states. */
  readonly actors: Versions;
  readonly clocks: OwnerClock;
  /** Who this process is. */
  readonly identity: Identity;
  /** Whether the process of such a mark is proven to have ended. */
  readonly isDead: (process: string) => boolean;
  readonly leaseMs: number;
  /** Bound on one call of the store, in milliseconds; past it the outcome counts as unknown. */
  readonly commitTimeoutMs: number;
  readonly repair: RepairLog;
}

/** How the reason begins while the store has said nothing. */
export const NO_ANSWER = 'the store did not answer';

/** A fence that was taken. */
export interface Taken {
  /** What it replaced; undefined for a store that was empty. */
  readonly replaced: ShardFence | undefined;
  /** The commits between these versions were lost by the store, and written again. */
  readonly repairedFrom: number | undefined;
  /** Another owner thread of this process had it before. */
  readonly resumed: boolean;
}

export class Tenure {
  readonly #options: TenureOptions;
  readonly #lease: Lease;
  readonly #watch: FenceWatch;
  #fence: ShardFence | undefined;
  #seen: ShardFence | undefined;
  #looked = false;
  /** The newest version that counts, by a fence of others that was seen; with the store's id. */
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

  /** The fence as it was looked at last, or replaced. */
  get seen(): ShardFence | undefined {
    return this.#lease.held ? this.#fence : this.#seen;
  }

  /** The fence was looked at, by a process that is not to take it. */
  get looked(): boolean {
    return this.#looked;
  }

  /** The fence as this owner has last replaced it; undefined before that. */
  get fence(): ShardFence | undefined {
    return this.#fence;
  }

  /** The fence as this owner has last replaced it. @throws Error before that. */
  get held(): ShardFence {
    if (!this.#fence) throw new Error('this owner holds no fence');
    return this.#fence;
  }

  /** No other instance can have taken the fence. */
  get leased(): boolean {
    return this.#fence !== undefined && this.#lease.held;
  }

  /** For how long the store was served, in milliseconds. */
  get servedMs(): number {
    return this.held.served + Math.max(0, this.#options.clocks.now() - this.#servedAt);
  }

  /** How long until an idle owner should renew its lease, in milliseconds; undefined when there is none to renew. */
  get renewalMs(): number | undefined {
    return this.#options.store.shared ? Math.floor(renewalMs(this.#options.leaseMs)) : undefined;
  }

  /**
   * One attempt to take the fence.
   *
   * @returns undefined when the record has changed in between: try again at once.
   * @throws WarrenError `store-fenced` when another instance owns the store, `store-unclaimed` when one may be about to: try again in
   *   a while.
   * @throws WarrenError `store-halted` when nobody may go on from this shard, `shards-differ` when the store has another number of them.
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
    // What another program has left must be sound before anybody waits for it.
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

  /** Shard 0 was new: all others are made before it is served, and then it says so. Whoever takes it before that goes on with it. */
  async #found(fence: ShardFence): Promise<void> {
    await this.bounded(this.#options.founder.makeOthers(fence));
    const founded = { ...this.#aged(fence), founded: 1, renewal: fence.renewal + 1 };
    if ((await this.#swap(fence, founded, [])) !== 'swapped') {
      throw new WarrenError('store-unreachable', 'the stored fence has changed');
    }
  }

  /** This process has acknowledged what is in the shard, and has not seen anybody else own it since. */
  get knows(): boolean {
    return this.#options.repair.known !== undefined;
  }

  /**
   * A look at the fence of a shard that this process shall not take: when it is to take it, it knows whether its owner lives.
   *
   * @returns whether the store has lost what this process knows: then it must take the shard after all, to write that again.
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
   * The stored texts of these actors, or of the first ones. They are of the store as this owner has last written it, or newer: a store that has lost commits
   * would show states that were over.
   *
   * @throws WarrenError `store-unreachable` when the store holds something else: the fence must be taken again. And as `ActorStore.load`.
   */
  async load(ids: readonly string[], limitBytes: number): Promise<Loaded['texts']> {
    const known = this.held;
    const { fence, texts } = await this.bounded(this.#options.store.load(ids, limitBytes));
    if (fence?.store === known.store && fence.epoch === known.epoch && fence.version >= known.version)
      return texts;
    throw new WarrenError('store-unreachable', 'the stored fence has changed');
  }

  /** The first entries whose ids begin with the prefix. What another owner has written meanwhile, no commit of this one follows. Throws as `ActorStore.scan`. */
  async scan(prefix: string, limit: number): Promise<Scanned['entries']> {
    return (await this.bounded(this.#options.store.scan(prefix, undefined, limit))).entries;
  }

  /**
   * Commits a group: replaces the fence, and makes the changes.
   *
   * @param version that the fence gets: the next one.
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

  /** Gives the lease up, so that another instance may take over at once. Without an answer it ends by itself. */
  async release(): Promise<void> {
    const fence = this.#fence;
    this.#lease.end();
    if (fence && this.#options.store.shared)
      await this.#swap(fence, { ...fence, lease: 0 }, []).catch(() => {});
  }

  /** Another instance owns the store: what was known of it is history. */
  #standBehind(stored: ShardFence): void {
    this.#options.repair.clear();
    this.#fence = undefined;
    this.#lease.end();
    // An owner sends a commit when the one before it counts.
    const version = this.#options.store.awaitsReplicas ? Math.max(0, stored.version - 1) : stored.version;
    const { store } = stored;
    if (this.#witnessed?.store !== store || version > this.#witnessed.version)
      this.#witnessed = { store, version };
  }

  #mayTake(stored: ShardFence | undefined): boolean {
    const { store, identity } = this.#options;
    if (!store.shared || stored?.writer === identity.writer) return true;
    // On a new connection the store may hold an older record than before, although no look has failed.
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

  /** The fence as of now. */
  #aged(fence: ShardFence): ShardFence {
    return { ...fence, clock: this.#clock(fence), served: Math.floor(this.servedMs) };
  }

  /** Never falls, also when the clock of this machine is behind the one before. */
  #clock(fence: ShardFence | undefined): number {
    return Math.max(fence?.clock ?? 0, Math.floor(this.#options.clocks.wall()));
  }

  /** Above every epoch that this process has held: answers and late commits name them, so none may come back when the store has lost it. */
  #epochAfter(stored: ShardFence | undefined): number {
    const { known } = this.#options.repair;
    const held = stored === undefined || stored.store === known?.store ? (known?.epoch ?? 0) : 0;
    return Math.max(stored?.epoch ?? 0, this.#fence?.epoch ?? 0, held) + 1;
  }

  /** Bounds a call of the store in time: past it the outcome is unknown. */
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
 * Whether a store holds less than it did, be it a take that changed nothing: answers have named its epoch. A store of another id is another store, and has
 * lost nothing. Without an epoch only the versions count.
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

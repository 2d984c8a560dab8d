/**
 * The owner of one shard: takes the fence, lets turns be taken while it holds the fence, refuses requests while it cannot, and releases the fence when it
 * should. Runs on the owner thread; store, clocks and link are passed in, so that a test can control each of them.
 *
 *   take the fence ──> serve: turns, groups, renewals ──> hand over, or stop
 *        ^                          │
 *        └── a commit in doubt, the store away, another owner
 */
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore } from '../../store/contract.js';
import type { ShardFence } from '../../store/shard-fence.js';
import type { OwnerLink } from '../link/owner-link.js';
import { BEFORE, LINK_PROBLEMS, type LinkProblem, PROBLEM } from '../link/reply-kind.js';
import { AnswerRecords, type RecordLimits } from './answer-records.js';
import type { Origin } from './events.js';
import { Expiry } from './expiry.js';
import { Gate, type Group, isOwn } from './gate.js';
import { Grace } from './grace.js';
import { NO_ANSWER, type Taken, Tenure, type TenureOptions } from './tenure.js';
import { Turns, type TurnsOptions } from './turns.js';

export interface OwnerOptions
  extends TenureOptions,
    Omit<TurnsOptions, 'gate' | 'tenure' | 'records' | 'onLoaded' | 'onEncoded' | 'onRoom'> {
  readonly durability: 'gated' | 'async';
  /** How long requests wait while the store is away, before they are refused, in milliseconds. */
  readonly storeGraceMs: number;
  readonly records: RecordLimits;
  /** The first duty. */
  readonly duty: Duty;
  /** The group that the previous owner thread was committing when it died, and the position after its last reply. */
  readonly predecessor: Pick<Group, 'id' | 'until'> | undefined;
}

/** Waits between two attempts to reach the store, in milliseconds; then the last one repeats. */
const RETRY_MS = [10, 25, 50, 100, 200, 400];
/** The time between two attempts to take a fence that another instance holds. */
const STANDBY_MS = 100;
/** The time between two looks at a fence that is only watched. */
const WATCH_MS = 250;
/** The time between two looks at a halted shard. */
const HALTED_MS = 1_000;

/**
 * The duty of an owner towards its shard. `own`: take the fence and serve. `watch`: read the fence from time to time, so that it can be taken
 * without delay when that becomes the duty. `rest`: nothing. An owner that serves and no longer has the duty `own` hands the shard over: it answers and
 * commits the requests that it has begun, and releases the fence.
 */
export type Duty = 'own' | 'watch' | 'rest';

type Phase = 'taking' | 'serving' | 'stopped';
type Refusal = Extract<LinkProblem, 'store-unavailable' | 'standby' | 'shutting-down'>;

export class Owner {
  readonly #options: OwnerOptions;
  readonly #link: OwnerLink;
  readonly #store: ActorStore;
  readonly #tenure: Tenure;
  readonly #gate: Gate;
  readonly #turns: Turns;
  readonly #records: AnswerRecords;
  readonly #expiry: Expiry;
  #phase: Phase = 'taking';
  #duty: Duty;
  #onDuty: () => void = () => {};
  /** Set while requests are refused at once: the reason. */
  #refusing: Refusal | undefined;
  #predecessor: Pick<Group, 'id' | 'until'> | undefined;
  #stopping = false;
  /** The fence is being released. */
  #handingOver = false;
  #halted = '';
  /** The store has lost commits that this process can write again. */
  #mustRepair = false;
  #cancelRenewal: () => void = () => {};
  readonly #grace: Grace;
  /** The reason in the last event `away`; empty while the store is not away. */
  #away = '';

  constructor(options: OwnerOptions) {
    const { link, store, clocks, durability, groupBytes } = options;
    this.#options = options;
    this.#link = link;
    this.#store = store;
    this.#predecessor = options.predecessor;
    this.#duty = options.duty;
    this.#records = new AnswerRecords(options.records);
    this.#tenure = new Tenure(options);
    this.#expiry = new Expiry({
      records: this.#records,
      tenure: this.#tenure,
      clocks,
      keptMs: options.records.keptMs,
      serving: () => this.#phase === 'serving',
      onFound: () => this.look(),
    });
    this.#grace = new Grace(clocks, options.storeGraceMs, (reason) => this.#goAway(reason));
    this.#gate = new Gate({
      link,
      tenure: this.#tenure,
      clocks,
      durability,
      records: this.#records,
      groupBytes,
      onProgress: () => {
        this.#endGrace();
        this.#renewLater();
        this.#takeTurns();
      },
      onInDoubt: (error) => void this.#take(messageOf(error)),
    });
    this.#turns = new Turns({
      ...options,
      gate: this.#gate,
      tenure: this.#tenure,
      records: this.#records,
      onLoaded: (failure, isDropped) => {
        if (isDropped || this.#phase === 'stopped') this.look();
        else if (failure === undefined) this.#takeTurns();
        else if (this.#mayPass(failure)) this.#gate.close(failure);
        else this.#end(failure);
      },
      onEncoded: () => this.#takeTurns(),
      onRoom: () => this.look(),
    });
  }

  /** Whether the link has requests that this owner has not seen. */
  get hasNews(): boolean {
    return this.#link.hasNews;
  }

  get serving(): boolean {
    return this.#phase === 'serving';
  }

  /** The fence as it was read or written last. */
  get seen(): ShardFence | undefined {
    return this.#tenure.seen;
  }

  /** Whether the fence was read by `watch`, so that it can be taken without delay. */
  get looked(): boolean {
    return this.#tenure.looked;
  }

  get records(): AnswerRecords {
    return this.#records;
  }

  /** How many actors have a newest state that is not stored yet. */
  get unstored(): number {
    return this.#gate.unstored;
  }

  /** Takes the fence and begins to serve. Resolves when it serves, or has ended. */
  start(): Promise<void> {
    return this.#take(NO_ANSWER);
  }

  /** Takes the turns that wait, or refuses them. Called when there are new requests, or room for replies. */
  look(): void {
    if (this.#refusing) this.#refuseAll(this.#refusing);
    else this.#takeTurns();
  }

  /** Changes the duty. */
  assign(duty: Duty): void {
    if (duty === this.#duty) return;
    this.#duty = duty;
    this.#onDuty();
    this.look();
  }

  /** Takes the turns that wait, commits, releases the fence, and posts `shard-stopped`. */
  stop(): void {
    this.#stopping = true;
    this.look();
    this.#finishIfDone();
  }

  #takeTurns(): void {
    if (!this.#open && this.#grace.over && !this.#refusing) this.#refuse('store-unavailable');
    if (this.#isLeaving) return void this.#handOver();
    if (!this.#turns.canTake || !this.#open) return;
    this.#turns.take();
    this.#finishIfDone();
  }

  /** Whether turns can be taken. With DURABILITY=async also while the store is away, as long as the lease holds. */
  get #open(): boolean {
    if (this.#phase === 'serving') return true;
    return this.#phase === 'taking' && this.#options.durability === 'async' && this.#tenure.leased;
  }

  /** Tries to take the fence, until that succeeds or this owner ends. While the store is away or another instance owns the shard, requests wait for the grace. */
  async #take(reason: string): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'taking';
    this.#cancelRenewal();
    this.#grace.begin(reason);
    if (this.#grace.over) this.#goAway(reason);
    for (let tries = 0; this.#phase === 'taking'; tries++) {
      let waitMs = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] as number;
      try {
        if (!this.#isToTake) {
          await this.#watch();
          continue;
        }
        const before = this.#tenure.fence;
        const taken = await this.#tenure.take();
        if (taken && this.#phase === 'taking') return this.#serve(taken, before);
      } catch (error) {
        if (error instanceof WarrenError && error.code === 'store-fenced') {
          this.#standBy(error.message);
          waitMs = STANDBY_MS;
        } else if (error instanceof WarrenError && error.code === 'store-unclaimed') {
          // The store answers, and this owner will soon have the fence: requests go on waiting.
          this.#grace.beginAnew();
        } else if (error instanceof WarrenError && error.code === 'store-halted' && this.#isOneOfSeveral) {
          this.#halt(error.message);
          waitMs = HALTED_MS;
        } else if (!this.#mayPass(error)) return this.#end(error);
        else this.#learnReason(messageOf(error));
      }
      this.look();
      this.#finishIfDone();
      await new Promise<void>((resolve) => this.#options.clocks.after(waitMs, resolve));
    }
  }

  #serve(taken: Taken, before: Tenure['fence']): void {
    const { replaced, repairedFrom } = taken;
    const fence = this.#tenure.fence as NonNullable<Tenure['fence']>;
    const sent = this.#gate.sent;
    const stored = sent !== undefined && replaced?.group === sent.id;
    const own = isOwn(replaced, before);
    const repaired = repairedFrom !== undefined;
    // When another process has written since, it can no longer be known whether the group under way was stored before that.
    const doubtUntil = stored || repaired || replaced?.writer === fence.writer ? 0 : this.#unknownUntil;
    this.#turns.notBefore(fence.clock);
    this.#phase = 'serving';
    this.#mustRepair = false;
    this.#refusing = undefined;
    if (this.#predecessor && replaced?.group === this.#predecessor.id)
      this.#releaseBefore(this.#predecessor.until);
    this.#predecessor = undefined;
    if (!stored && !own && !(repaired && before !== undefined)) {
      this.#forget();
      if (doubtUntil > 0) this.#refuseUntil(doubtUntil, 'commit-in-doubt');
    }
    if (this.#gate.sent === undefined || stored) this.#endGrace();
    const origin = originOf(taken, before);
    const { shard, epoch, version } = fence;
    this.#options.post({ kind: 'serving', shard, epoch, version, origin, repairedFrom });
    this.#gate.open(stored ? 'stored' : 'not stored');
    this.#renewLater();
    this.#expiry.begin();
    this.#takeTurns();
  }

  /** Releases the replies that the previous owner thread had published: their group is stored. */
  #releaseBefore(until: number): void {
    for (let position = this.#link.released; position < until; position++)
      this.#link.reply(position, BEFORE, 0, '');
    this.#gate.release(until);
  }

  /** Empties the memory, since its states may be outdated. Turns that were taken and not answered are taken again. */
  #forget(): void {
    this.#gate.drop();
    this.#turns.forget();
  }

  /**
   * Whether to take the fence. Without the duty `own` only to settle a commit of unknown outcome, also one of the previous owner thread, or to
   * write lost commits again.
   */
  get #isToTake(): boolean {
    const owes = this.#gate.sent !== undefined || this.#predecessor !== undefined;
    return this.#duty === 'own' || owes || this.#mustRepair;
  }

  /** Whether this owner serves a shard that it should no longer own. */
  get #isLeaving(): boolean {
    return this.#phase === 'serving' && this.#duty !== 'own' && !this.#stopping;
  }

  get #isOneOfSeveral(): boolean {
    return this.#options.founder.shards > 1;
  }

  /** Stands by for another node, and reads the fence once. Resolves after `WATCH_MS`, when the duty changes, or when the fence has to be taken. */
  async #watch(): Promise<void> {
    this.#standBy('another node has it, or shall have it');
    this.#finishIfDone();
    // As long as no other node has taken the shard, only this process can notice that the store has lost its commits.
    const looks = this.#duty === 'watch' || this.#tenure.knows;
    if (looks) this.#mustRepair = await this.#tenure.watch();
    if (this.#isToTake) return;
    await new Promise<void>((resolve) => {
      const cancel = looks ? this.#options.clocks.after(WATCH_MS, resolve) : () => {};
      this.#onDuty = () => {
        cancel();
        resolve();
      };
      if (this.#phase === 'stopped') resolve();
    });
  }

  /** Takes no more turns. When the taken ones are stored and answered, it releases the fence. Requests that wait have consumed nothing. */
  async #handOver(): Promise<void> {
    if (this.#handingOver || !this.#gate.idle || this.#link.released < this.#gate.taken) return;
    this.#handingOver = true;
    this.#cancelRenewal();
    this.#phase = 'taking';
    await this.#tenure.release();
    this.#handingOver = false;
    this.#standBy('it was handed over');
    void this.#take('it was handed over');
  }

  #halt(reason: string): void {
    if (this.#refusing === 'store-unavailable' && this.#halted === reason) return;
    this.#halted = reason;
    this.#options.post({ kind: 'halted', shard: this.#options.shard, reason });
    this.#refuse('store-unavailable');
  }

  /** Refuses requests from now on, until the store is back. */
  #goAway(reason: string): void {
    if (this.#phase !== 'taking' || this.#refusing) return;
    if (!this.#away) this.#postAway(reason);
    // With DURABILITY=async the owner goes on within its lease, and commits its changes later. In a store without leases it stops now.
    if (!this.#open || !this.#store.shared) this.#refuse('store-unavailable');
    this.#finishIfDone();
  }

  /** Keeps the reason. Posts `away` again when a store that had not answered now says what it lacks, such as room on its disk. */
  #learnReason(reason: string): void {
    this.#grace.reason = reason;
    if (this.#away.startsWith(NO_ANSWER) && !reason.startsWith(NO_ANSWER)) this.#postAway(reason);
  }

  #postAway(reason: string): void {
    this.#options.post({ kind: 'away', shard: this.#options.shard, reason });
    this.#away = reason;
  }

  #standBy(reason: string): void {
    if (this.#refusing === 'standby') return;
    this.#options.post({ kind: 'standby', shard: this.#options.shard, reason });
    this.#refuse('standby');
  }

  #refuse(refusal: Refusal): void {
    this.#refusing = refusal;
    this.#refuseAll(refusal);
  }

  /** Refuses every request that waits. Requests of a group whose commit may have happened are answered `commit-in-doubt`. */
  #refuseAll(refusal: Refusal): void {
    const lost = this.#options.durability === 'gated' || refusal === 'standby';
    // With DURABILITY=async the changes are kept, to be committed later.
    const doubtUntil = lost || this.#predecessor ? this.#unknownUntil : this.#gate.taken;
    this.#predecessor = undefined;
    this.#turns.dropEncoding();
    if (lost) this.#forget();
    this.#refuseUntil(doubtUntil, 'commit-in-doubt');
    this.#refuseUntil(this.#link.look(), refusal);
  }

  /** Refuses every request before this position that is not answered yet. */
  #refuseUntil(end: number, code: Refusal | 'commit-in-doubt'): void {
    let { released } = this.#link;
    for (; released < end; released++) this.#link.reply(released, PROBLEM, LINK_PROBLEMS.indexOf(code), '');
    this.#gate.release(released);
  }

  /** The requests before this position belong to a commit that may have happened. */
  get #unknownUntil(): number {
    return this.#predecessor?.until ?? (this.#gate.unknown ? this.#gate.sent?.until : undefined) ?? 0;
  }

  #endGrace(): void {
    this.#grace.end();
    this.#away = '';
  }

  #renewLater(): void {
    const { renewalMs } = this.#tenure;
    this.#cancelRenewal();
    if (renewalMs === undefined) return;
    this.#cancelRenewal = this.#options.clocks.after(renewalMs, () => {
      if (this.#phase === 'serving') void this.#gate.renew();
    });
  }

  #end(error: unknown): void {
    this.#phase = 'stopped';
    this.#expiry.end();
    const code = error instanceof WarrenError ? error.code : 'owner-failing';
    this.#options.post({ kind: 'fatal', code, reason: messageOf(error) });
  }

  #finishIfDone(): void {
    if (!this.#stopping || this.#phase === 'stopped') return;
    const answered = this.#link.released === this.#link.look() && !this.#turns.loading;
    const owing = !this.#gate.idle && this.#refusing !== 'standby';
    if (!answered || owing) return;
    this.#phase = 'stopped';
    void this.#finish();
  }

  async #finish(): Promise<void> {
    this.#cancelRenewal();
    this.#expiry.end();
    await this.#tenure.release();
    this.#options.post({ kind: 'shard-stopped', shard: this.#options.shard });
  }

  /** Whether to try again after an error. A right that Redis refuses is a configuration error at the start; later an operator may restore it. */
  #mayPass(error: unknown): boolean {
    if (!(error instanceof WarrenError)) return false;
    if (error.code === 'store-denied') return this.#tenure.fence !== undefined;
    return error.code === 'store-unreachable' || error.code === 'store-refused';
  }
}

/** @param before the fence that this owner had last. */
function originOf({ replaced, repairedFrom, resumed }: Taken, before: Tenure['fence']): Origin {
  if (repairedFrom !== undefined) return 'repaired';
  if (!replaced) return 'fresh';
  if (before) return 'returned';
  return resumed ? 'resumed' : 'stored';
}

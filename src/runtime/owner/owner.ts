/**
 * The owner of one shard: takes the fence, takes the turns, and hands what they changed to the gate. Runs on the owner thread; store, clocks and
 * link are passed in, so that a test can hold each of them.
 *
 *   requests ──> load the states that are missing ──> turns, one after the other ──> gate ──> replies
 *
 * Invariant: between two turns, the states in memory are those of the store with the changes of the gate's groups applied. So a
 * group that is dropped empties the memory, and the turns behind it are taken again from the store's states.
 */
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore } from '../../store/contract.js';
import type { ShardFence } from '../../store/shard-fence.js';
import { SIZE_ID } from '../../store/store-ids.js';
import { LEFT_OUT } from '../link/link-memory.js';
import type { OwnerLink } from '../link/owner-link.js';
import { BEFORE, LINK_PROBLEMS, type LinkProblem, NOTHING, PROBLEM } from '../link/reply-kind.js';
import { decodeKey } from './actor-key.js';
import { AnswerRecords, type RecordLimits, recordIdOf, requestOf } from './answer-records.js';
import type { FromOwner, Origin } from './events.js';
import { Expiry } from './expiry.js';
import { Gate, type Group, isOwn } from './gate.js';
import { Grace } from './grace.js';
import { type Found, Missing } from './missing.js';
import type { ServedMessage, Turn } from './served.js';
import { idOf, type StateMemory, States } from './states.js';
import { NO_ANSWER, type Taken, Tenure, type TenureOptions } from './tenure.js';

export interface OwnerOptions extends TenureOptions {
  readonly link: OwnerLink;
  /** By message number. */
  readonly messages: readonly ServedMessage[];
  readonly durability: 'gated' | 'async';
  /** How long requests are held while the store is away, before they are refused, in milliseconds. */
  readonly storeGraceMs: number;
  readonly memory: StateMemory;
  readonly groupBytes: number;
  readonly records: RecordLimits;
  /** What it is to do at first. */
  readonly duty: Duty;
  /** A random word for this process: ids of turns begin with it. */
  readonly incarnation: string;
  /** The group that the owner before was committing when it died, and the position after its last reply. */
  readonly predecessor: Pick<Group, 'id' | 'until'> | undefined;
  readonly post: (message: FromOwner) => void;
  /** A behavior has failed. @param message its number. */
  readonly onFailure: (message: number, failure: string) => void;
}

/** Waits between two attempts to reach the store, in milliseconds; then the last one repeats. */
const RETRY_MS = [10, 25, 50, 100, 200, 400];
/** How often an owner tries to take a fence that another one holds, in milliseconds. */
const STANDBY_MS = 100;
/** How often a fence is looked at that is not to be taken, in milliseconds. */
const WATCH_MS = 250;
/** How often a shard is looked at that an operator has to restore, in milliseconds. */
const HALTED_MS = 1_000;
/** At most so many actors are loaded by one read. */
const LOAD_LIMIT = 1_000;

interface Encoding {
  /** Undefined until the reply is encoded. */
  turn: Turn | undefined;
}

/**
 * What an owner is to do with its shard: own it; look at its fence, so that it can be taken at once when that is due; or nothing. Whoever has it and is to
 * own it no more hands it over: it answers and commits what it has begun, and releases the fence.
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
  readonly #states: States;
  readonly #records: AnswerRecords;
  readonly #expiry: Expiry;
  #phase: Phase = 'taking';
  #duty: Duty;
  #onDuty: () => void = () => {};
  /** Requests are refused at once, and why. */
  #refusing: Refusal | undefined;
  #predecessor: Pick<Group, 'id' | 'until'> | undefined;
  #loading = false;
  /** The next turn was taken, and its reply is encoded elsewhere. Nothing of it counts before it has ended. */
  #encoding: Encoding | undefined;
  /** Counts the times that the memory was emptied: what was being loaded before that is not added to it. */
  #memory = 0;
  /** What the turns are told; read once before some of them. */
  #now = 0;
  #stopping = false;
  /** The fence is being released. */
  #handing = false;
  #halted = '';
  /** The store has lost what this process knows. */
  #mustRepair = false;
  #cancelRenewal: () => void = () => {};
  /** Runs since the store went away. */
  readonly #grace: Grace;
  /** The reason that was told with `away`; empty when the store is not away. */
  #away = '';

  constructor(options: OwnerOptions) {
    const { link, store, clocks, durability, groupBytes } = options;
    this.#options = options;
    this.#link = link;
    this.#store = store;
    this.#predecessor = options.predecessor;
    this.#duty = options.duty;
    this.#states = new States(options.memory);
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
  }

  /** It has requests that it was not told of. */
  get hasNews(): boolean {
    return this.#link.hasNews;
  }

  get serving(): boolean {
    return this.#phase === 'serving';
  }

  /** The fence as it was looked at last. */
  get seen(): ShardFence | undefined {
    return this.#tenure.seen;
  }

  /** The fence was looked at, so that it can be taken at once when that is due. */
  get looked(): boolean {
    return this.#tenure.looked;
  }

  get records(): AnswerRecords {
    return this.#records;
  }

  /** Actors whose newest state is not stored yet. */
  get unstored(): number {
    return this.#gate.unstored;
  }

  /** Takes the fence and begins to serve. Resolves when it serves, or has ended. */
  start(): Promise<void> {
    return this.#take(NO_ANSWER);
  }

  /** There are new requests, or there is room for replies. */
  look(): void {
    if (this.#refusing) this.#refuseAll(this.#refusing);
    else this.#takeTurns();
  }

  /** From now on. */
  assign(duty: Duty): void {
    if (duty === this.#duty) return;
    this.#duty = duty;
    this.#onDuty();
    this.look();
  }

  /** Takes the turns that wait, commits, gives the lease up, and says `shard-stopped`. */
  stop(): void {
    this.#stopping = true;
    this.look();
    this.#finishIfDone();
  }

  #takeTurns(): void {
    const link = this.#link;
    if (!this.#open && this.#grace.over && !this.#refusing) this.#refuse('store-unavailable');
    if (this.#isLeaving) return void this.#handOver();
    if (this.#loading || (this.#encoding && !this.#encoding.turn) || !this.#open) return;
    const end = link.look();
    this.#readClock();
    let { taken } = this.#gate;
    while (taken < end && !this.#gate.full && this.#takeTurn(taken, end)) taken += 1;
    link.turnsEnd();
    this.#gate.advance(taken);
    if (!this.#loading) this.#options.memory.trim();
    this.#finishIfDone();
  }

  /** Turns can be taken. Behind its replies an async owner needs no store to go on, as long as its lease holds. */
  get #open(): boolean {
    if (this.#phase === 'serving') return true;
    return this.#phase === 'taking' && this.#options.durability === 'async' && this.#tenure.leased;
  }

  /** @returns whether the turn was taken; otherwise something has to come first, and `look` is called after it. */
  #takeTurn(position: number, end: number): boolean {
    const link = this.#link;
    const number = link.messageAt(position);
    if (number === LEFT_OUT) return link.reply(position, NOTHING, 0, '');
    const { behavior, message, name } = this.#options.messages[number] as ServedMessage;
    const key = decodeKey(link.keyAt(position));
    if (key === undefined) return this.#reply(position, PROBLEM, LINK_PROBLEMS.indexOf('key-invalid'), '');
    const idempotency = link.idempotencyAt(position);
    let record = '';
    let request = '';
    if (idempotency !== '') {
      record = recordIdOf(idOf(behavior, key), idempotency);
      if (!this.#records.has(record)) {
        void this.#load(position, end);
        return false;
      }
      request = requestOf(name, idempotency, link.bodyAt(position));
      const answer = this.#records.answerTo(record, request);
      if (answer) {
        if (!this.#reply(position, answer.kind, answer.detail, answer.text)) return false;
        this.#records.used(record);
        return true;
      }
    }
    const entry = this.#states.find(behavior, key);
    if (!entry) {
      void this.#load(position, end);
      return false;
    }
    // An operator may replace what cannot be read.
    if (entry.unreadable !== undefined && message >= 0) {
      // The reason is for the log: parts of the state may be in it, or what a migration has thrown.
      return this.#reply(position, PROBLEM, LINK_PROBLEMS.indexOf('state-unreadable'), '');
    }
    let turn = this.#encoding?.turn;
    if (!turn) {
      link.turnBegins(position);
      const context = {
        id: `${this.#options.incarnation}-${this.#options.shard}-${position}`,
        now: this.#now,
        commit: entry.commit,
      };
      const taken = behavior.turn(message, entry.state, key, link.bodyAt(position), context);
      if (taken instanceof Promise) {
        void this.#encode(taken);
        return false;
      }
      turn = taken;
    }
    if (!this.#reply(position, turn.kind, turn.detail, turn.text)) return false;
    if (this.#encoding) this.#encoding = undefined;
    if (turn.change) {
      this.#states.change(entry, turn.change.state, turn.change.bytes);
      this.#gate.change(entry, turn.change.textBytes);
    }
    if (record !== '') {
      this.#records.add(record, request, turn);
      this.#records.used(record);
    }
    if (turn.failure !== undefined) this.#options.onFailure(number, turn.failure);
    return true;
  }

  /** Later turns wait: those of the same actor for its state, all others for their replies, which are written in order. */
  async #encode(turn: Promise<Turn>): Promise<void> {
    const encoding: Encoding = { turn: undefined };
    this.#encoding = encoding;
    encoding.turn = await turn;
    // Otherwise the turn was dropped meanwhile.
    if (this.#encoding === encoding) this.#takeTurns();
  }

  /** @returns false when there is no room: the front must take replies first, so those that may leave are let go. */
  #reply(position: number, kind: number, detail: number, text: string): boolean {
    if (this.#link.reply(position, kind, detail, text)) return true;
    this.#link.waitForRoom(() => this.look());
    return false;
  }

  /** One read of the store for all actors that the next turns need and that are not in memory; for fewer, when their states are large. */
  async #load(from: number, end: number): Promise<void> {
    this.#options.memory.trim();
    const missing = new Missing();
    for (let position = from; position < end && missing.count < LOAD_LIMIT; position++) {
      const number = this.#link.messageAt(position);
      const key = number === LEFT_OUT ? undefined : decodeKey(this.#link.keyAt(position));
      if (key === undefined) continue;
      const { behavior } = this.#options.messages[number] as ServedMessage;
      const idempotency = this.#link.idempotencyAt(position);
      if (idempotency !== '') {
        const record = recordIdOf(idOf(behavior, key), idempotency);
        if (!this.#records.isSizeKnown) missing.addRecord(SIZE_ID);
        if (!this.#records.has(record)) missing.addRecord(record);
      }
      if (!this.#states.has(behavior, key)) missing.add(behavior, key);
    }
    const memory = this.#memory;
    this.#loading = true;
    let failure: unknown;
    try {
      const found = await missing.load(this.#tenure, this.#options.groupBytes);
      if (memory === this.#memory) this.#remember(found);
    } catch (error) {
      failure = error;
    }
    this.#loading = false;
    if (memory !== this.#memory || this.#phase === 'stopped') return this.look();
    if (failure === undefined) this.#takeTurns();
    else if (this.#mayPass(failure)) this.#gate.close(failure);
    else this.#end(failure);
  }

  #remember({ actors, records }: Found): void {
    for (const [id, text] of records) this.#records.remember(id, text);
    for (const { behavior, key, state, bytes, commit, unreadable } of actors) {
      if (unreadable !== undefined) {
        this.#options.post({ kind: 'state-unreadable', id: idOf(behavior, key), reason: unreadable });
      }
      this.#states.add(behavior, key, state, bytes, commit, unreadable);
    }
  }

  /** Takes the fence, until that succeeds or this owner ends. While it is away or somebody else's, requests wait for the grace. */
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
          // The store is there, and soon this owner's: requests are held.
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
    // Another process has written since: whether that group was stored before cannot be known any more.
    const doubtUntil = stored || repaired || replaced?.writer === fence.writer ? 0 : this.#unknownUntil;
    this.#now = Math.max(this.#now, fence.clock);
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

  /** The owner before had published these replies, and the group that they are part of is stored. */
  #releaseBefore(until: number): void {
    for (let position = this.#link.released; position < until; position++)
      this.#link.reply(position, BEFORE, 0, '');
    this.#gate.release(until);
  }

  /** The states in memory may be outdated: turns that were taken and not answered are taken again. */
  #forget(): void {
    this.#memory += 1;
    this.#encoding = undefined;
    this.#gate.drop();
    this.#states.clear();
  }

  /** A commit of unknown outcome is settled first, also that of the owner before, and what the store has lost is written again, whoever shall have the shard. */
  get #isToTake(): boolean {
    const owes = this.#gate.sent !== undefined || this.#predecessor !== undefined;
    return this.#duty === 'own' || owes || this.#mustRepair;
  }

  /** It has a shard that it shall not have. */
  get #isLeaving(): boolean {
    return this.#phase === 'serving' && this.#duty !== 'own' && !this.#stopping;
  }

  get #isOneOfSeveral(): boolean {
    return this.#options.founder.shards > 1;
  }

  /** Another node has the shard, or will. Ends after one look, or when it has another duty. */
  async #watch(): Promise<void> {
    this.#standBy('another node has it, or shall have it');
    this.#finishIfDone();
    // Until another one has it, nobody else knows what was acknowledged here.
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

  /** Takes no more turns; when those that were taken are answered and stored, the shard is released, and what waits consumed nothing. */
  async #handOver(): Promise<void> {
    if (this.#handing || !this.#gate.idle || this.#link.released < this.#gate.taken) return;
    this.#handing = true;
    this.#cancelRenewal();
    this.#phase = 'taking';
    await this.#tenure.release();
    this.#handing = false;
    this.#standBy('it was handed over');
    void this.#take('it was handed over');
  }

  #halt(reason: string): void {
    if (this.#refusing === 'store-unavailable' && this.#halted === reason) return;
    this.#halted = reason;
    this.#options.post({ kind: 'halted', shard: this.#options.shard, reason });
    this.#refuse('store-unavailable');
  }

  /** From here on requests are answered at once, until the store is back. */
  #goAway(reason: string): void {
    if (this.#phase !== 'taking' || this.#refusing) return;
    if (!this.#away) this.#tellAway(reason);
    // Within its lease an async owner goes on, and keeps what it owes to the store. Without a lease the grace is the bound.
    if (!this.#open || !this.#store.shared) this.#refuse('store-unavailable');
    this.#finishIfDone();
  }

  /** A store that was silent at first may say later what it lacks, such as room on its disk: that is told too. */
  #learnReason(reason: string): void {
    this.#grace.reason = reason;
    if (this.#away.startsWith(NO_ANSWER) && !reason.startsWith(NO_ANSWER)) this.#tellAway(reason);
  }

  #tellAway(reason: string): void {
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

  /** Every request that waits is refused. The group whose commit was sent may have happened: its requests hear that. */
  #refuseAll(refusal: Refusal): void {
    const lost = this.#options.durability === 'gated' || refusal === 'standby';
    // What an async owner has changed it still owes to the store.
    const doubtUntil = lost || this.#predecessor ? this.#unknownUntil : this.#gate.taken;
    this.#predecessor = undefined;
    this.#encoding = undefined;
    if (lost) this.#forget();
    this.#refuseUntil(doubtUntil, 'commit-in-doubt');
    this.#refuseUntil(this.#link.look(), refusal);
  }

  /** Everything before this position that is not answered yet. */
  #refuseUntil(end: number, code: Refusal | 'commit-in-doubt'): void {
    let { released } = this.#link;
    for (; released < end; released++) this.#link.reply(released, PROBLEM, LINK_PROBLEMS.indexOf(code), '');
    this.#gate.release(released);
  }

  /** The requests before this position are of a commit that may have happened. */
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

  /** Milliseconds since 1970, never falling: not within an owner, and not from one to the next. */
  #readClock(): void {
    this.#now = Math.max(this.#now, Math.floor(this.#options.clocks.wall()));
  }

  #end(error: unknown): void {
    this.#phase = 'stopped';
    this.#expiry.end();
    const code = error instanceof WarrenError ? error.code : 'owner-failing';
    this.#options.post({ kind: 'fatal', code, reason: messageOf(error) });
  }

  #finishIfDone(): void {
    if (!this.#stopping || this.#phase === 'stopped') return;
    const answered = this.#link.released === this.#link.look() && !this.#loading;
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

  /** A right that Redis refuses is a mistake of the configuration at a start; later an operator may give it back. */
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

/**
 * The owner: mailbox, turns and gate. Runs on the owner thread; store, clock and port are passed in, so that a test
 * can hold each of them.
 *
 *   deliver ──> mailbox ──> turns ──> gate ──> replies
 *                             │         ^
 *                             └─ commit ┘      one in flight; what arrives meanwhile is the next group
 *
 * Invariant: `#acknowledged.state` is the state that the replies so far have shown, and a reply that shows more leaves only
 * after the commit that covers it. So a commit that failed or is in doubt undoes nothing that anybody has seen: the
 * group's messages wait again, the store is read to learn where its record stands, and the turns are taken anew.
 */
import { type Behavior, takeTurn } from '../actor/behavior.js';
import { Mailbox } from '../actor/mailbox.js';
import { type ErrorCode, messageOf, WarrenError } from '../errors.js';
import type { CommitOutcome, Store } from '../store/store.js';
import { LAST_RETRY_MS } from './lease.js';
import type { OwnerClock } from './owner-clock.js';
import {
  type Acknowledged,
  encodeReply,
  type FromOwner,
  MARKS,
  type Origin,
  TURN_IN_PROGRESS,
  type WireRefusal,
} from './protocol.js';
import { StoredRecord } from './stored-record.js';

export interface OwnerOptions {
  readonly behavior: Behavior;
  readonly store: Store;
  /** `gated`: a reply waits for its commit. `async`: the checkpoint follows behind the replies. */
  readonly durability: 'gated' | 'async';
  /** Identity of this process in the record, see `Identity`. */
  readonly writer: string;
  readonly instance: string;
  readonly process: string;
  /** Whether the process of such a mark is proven to have ended. */
  readonly isDead: (process: string) => boolean;
  /** What a dead owner of the same process had acknowledged. */
  readonly resume: Acknowledged | undefined;
  /** The state of a fresh actor, when neither the store nor a dead owner has one. */
  readonly freshState: () => Promise<{ state: number; origin: Origin }>;
  readonly mailboxLimit: number;
  /** Bound on one call of the store, in milliseconds; past it the outcome counts as unknown. */
  readonly commitTimeoutMs: number;
  /**
   * How long requests are held while the store is away, before they are refused, in milliseconds. Without a gate they are
   * answered meanwhile, and then as long as the lease lasts.
   */
  readonly storeGraceMs: number;
  readonly vitalSigns: Int32Array;
  readonly post: (message: FromOwner) => void;
  readonly clock: OwnerClock;
}

/** Waits between two attempts to reach the store, in milliseconds; then the last one repeats. */
const RETRY_MS = [10, 25, 50, 100, 200];

/** How often a standby tries to take over, in milliseconds: well within a second after the lease has lapsed. */
const STANDBY_MS = 250;

/**
 * In async durability a checkpoint follows the one before at this distance, in milliseconds: nobody waits for it, and without
 * the pause it would cost more than the turns. So much a crash may lose on top of a commit.
 */
const CHECKPOINT_MS = 10;

/** Before the first reign there is no state: it must never be taken for one. */
const NOTHING: Acknowledged = { epoch: 0, version: 0, state: 0 };

type Phase = 'restoring' | 'serving' | 'recovering' | 'stopped';

export class OwnerLoop {
  readonly #options: OwnerOptions;
  readonly #mailbox: Mailbox;
  readonly #record: StoredRecord;
  #phase: Phase = 'restoring';
  #acknowledged: Acknowledged;
  #committing = false;
  /** Of the commit in flight. */
  #committingVersion = 0;
  /** In async durability: when the next checkpoint is due, and whether a timer waits for it. */
  #checkpointAt = 0;
  #checkpointTimed = false;
  /** Requests are refused instead of held, and why: the store is away for longer than the grace, or another reigns. */
  #refusing: 'store-unavailable' | 'standby' | undefined;
  /** So many of the oldest messages may have been committed: their commit was cut off, or the owner before died over it. */
  #inDoubt = 0;
  /** Replies that may leave, and have not been posted yet. */
  #outbox: Float64Array<ArrayBuffer>[] = [];
  /** Until then a store that is away at the start is waited for, as after a failed commit. */
  #patientUntil: number;
  #stopping = false;
  /** This process has served or stood by: a store that refuses for good is waited for, since it may be mended. */
  #settled: boolean;
  /** What the store failed with last. */
  #failure: unknown;
  /** Why the store is away, as told last; undefined while it is not. */
  #toldAway: string | undefined;

  constructor(options: OwnerOptions) {
    this.#options = options;
    this.#settled = options.resume !== undefined;
    // What a dead owner had acknowledged counts until another instance has reigned.
    this.#acknowledged = options.resume ?? NOTHING;
    // Nobody shall notice that this owner is not the first one; before that there is nobody to wait for.
    this.#patientUntil = options.resume ? options.clock.now() + options.storeGraceMs : 0;
    this.#mailbox = new Mailbox(options.mailboxLimit);
    this.#record = new StoredRecord(options, () => {
      if (this.#phase === 'serving' && !this.#committing) {
        void this.#commit(this.#acknowledged.state, new Float64Array(0));
      }
    });
  }

  /** Restores the state and begins to serve. Resolves when the owner has stopped for good. */
  async start(): Promise<void> {
    const origin = await this.#reachStore();
    if (origin) this.#serve(origin);
  }

  deliver(messages: Uint8Array): void {
    this.#mailbox.deliver(messages);
    if (this.#refusing) this.#refuseAll();
    else this.#takeTurns();
  }

  /** What a dead owner had not answered. Until the record is replaced, its last commit may stand or may still come. */
  deliverAgain(messages: Uint8Array): void {
    if (this.#phase === 'restoring') this.#inDoubt = messages.length;
    this.deliver(messages);
  }

  stop(): void {
    this.#stopping = true;
    if (this.#phase === 'serving') this.#takeTurns();
    // Whoever asked to stop has a deadline of its own.
    else if (!this.#owesCheckpoint) void this.#finish();
  }

  /** An async owner, or the dead one before it, has shown more than the store may hold. */
  get #owesCheckpoint(): boolean {
    if (this.#options.durability === 'gated') return false;
    return this.#phase === 'recovering' || (this.#phase === 'restoring' && this.#acknowledged !== NOTHING);
  }

  #takeTurns(): void {
    const gated = this.#options.durability === 'gated';
    if (!(gated ? this.#phase === 'serving' && !this.#committing : this.#mayAnswerUngated)) {
      this.#send();
      return;
    }
    const { behavior, vitalSigns } = this.#options;
    const count = this.#mailbox.waiting;
    const replies = new Float64Array(count);
    let { state } = this.#acknowledged;
    let free = count;
    for (let i = 0; i < count; i++) {
      vitalSigns[TURN_IN_PROGRESS] = (this.#mailbox.position % MARKS) + 1;
      const turn = takeTurn(behavior, state, this.#mailbox.take());
      replies[i] = encodeReply(turn.reply as number | WireRefusal);
      if (turn.state !== state && free === count) free = i;
      state = turn.state;
    }
    vitalSigns[TURN_IN_PROGRESS] = 0;
    if (gated) {
      // What came before the first change shows nothing that is not durable. After a lapsed lease it may still be
      // outdated, and only a commit can tell.
      if (!this.#record.leased) free = 0;
      this.#reply(replies.slice(0, free), this.#acknowledged);
      // Before the commit: some stores do not give the thread back until it is done.
      this.#send();
      if (free < count) void this.#commit(state, replies.slice(free));
    } else {
      this.#reply(replies, this.#shown(state));
      this.#send();
      this.#checkpointBehind();
    }
    if (this.#stopping && !this.#committing) void this.#finish();
  }

  /**
   * Behind its replies an async owner needs no store to go on, once it has its state, but only within its lease: so what is lost
   * with it is bounded, and nobody else hands out the same numbers meanwhile.
   */
  get #mayAnswerUngated(): boolean {
    if (this.#phase !== 'serving' && this.#phase !== 'recovering') return false;
    if (this.#record.leased) return true;
    if (this.#phase === 'serving' && !this.#committing && this.#mailbox.waiting > 0) {
      void this.#commit(this.#acknowledged.state, new Float64Array(0));
    }
    return false;
  }

  /** What is acknowledged when this state was shown: it belongs to a group that is stored, or to the next one. */
  #shown(state: number): Acknowledged {
    const stored = this.#record.state === state && !this.#committing;
    const newest = this.#committing ? this.#committingVersion : this.#record.version;
    const version = stored ? newest : newest + 1;
    return { ...this.#acknowledged, state, version: Math.max(this.#acknowledged.version, version) };
  }

  /** In async durability: at most one commit under way, always of the newest state, and not one upon the other. */
  #checkpointBehind(): void {
    const { clock } = this.#options;
    const { state } = this.#acknowledged;
    if (this.#phase !== 'serving' || this.#committing || this.#record.state === state) return;
    const waitMs = this.#stopping ? 0 : this.#checkpointAt - clock.now();
    if (waitMs <= 0) {
      this.#checkpointAt = clock.now() + CHECKPOINT_MS;
      void this.#commit(state, new Float64Array(0));
    } else if (!this.#checkpointTimed) {
      this.#checkpointTimed = true;
      clock.after(waitMs, () => {
        this.#checkpointTimed = false;
        this.#checkpointBehind();
      });
    }
  }

  /** A group, or without any change a renewal of the lease. */
  async #commit(state: number, replies: Float64Array<ArrayBuffer>): Promise<void> {
    const changed = state !== this.#record.state;
    this.#committingVersion = this.#record.version + (changed ? 1 : 0);
    this.#committing = true;
    let outcome: CommitOutcome = 'changed';
    let failure: unknown;
    try {
      outcome = await (changed ? this.#record.commit(state) : this.#record.renew());
    } catch (error) {
      failure = error;
    }
    this.#committing = false;
    if (this.#phase === 'stopped') return;
    if (outcome !== 'swapped') {
      const refused = !failure || hasCode(failure, 'store-refused', 'store-denied');
      this.#inDoubt = refused ? 0 : replies.length;
      void this.#recover(failure ?? new WarrenError('store-unreachable', 'the stored record had changed'));
      return;
    }
    // Replies that were not gated have shown more than this commit.
    if (replies.length > 0)
      this.#reply(replies, { ...this.#acknowledged, state, version: this.#record.version });
    // Sends them, together with what needs no commit.
    this.#takeTurns();
    if (this.#options.durability === 'async') this.#checkpointBehind();
    if (this.#stopping && !this.#committing) void this.#finish();
  }

  async #recover(failure: unknown): Promise<void> {
    this.#mailbox.putBack();
    this.#phase = 'recovering';
    this.#failure = failure;
    const { clock, durability, storeGraceMs } = this.#options;
    let cancel = clock.after(storeGraceMs, () => {
      this.#tellAwayOnce();
      const refuse = () => this.#refuseUntilBack();
      if (durability === 'gated' || this.#options.store.leaseMs === undefined) refuse();
      else cancel = clock.after(Math.max(0, this.#record.leaseLeftMs), refuse);
    });
    const origin = await this.#reachStore();
    cancel();
    if (origin) this.#serve(origin);
  }

  #serve(origin: Origin): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'serving';
    this.#settled = true;
    this.#refusing = undefined;
    this.#toldAway = undefined;
    this.#inDoubt = 0;
    this.#options.post({ kind: 'serving', acknowledged: this.#acknowledged, origin });
    this.#takeTurns();
  }

  /** From here on requests are answered at once, until the store is back. */
  #refuseUntilBack(): void {
    if (this.#refusing || this.#phase === 'stopped') return;
    this.#refusing = 'store-unavailable';
    this.#refuseAll();
    // A gated owner has nothing acknowledged that is missing from the store, so there is nothing left to wait for.
    if (this.#stopping && this.#options.durability === 'gated') void this.#finish();
  }

  #tellAwayOnce(): void {
    if (!this.#refusing && this.#toldAway === undefined) this.#tellAway(messageOf(this.#failure));
  }

  #tellAway(reason: string): void {
    if (this.#toldAway === reason || this.#phase === 'stopped') return;
    this.#toldAway = reason;
    this.#options.post({ kind: 'away', reason });
  }

  /** Another instance reigns: what this one had acknowledged is history, and the next reign starts from the store. */
  #standBy(reason: string): void {
    this.#acknowledged = NOTHING;
    this.#phase = 'restoring';
    this.#record.standBy();
    this.#settled = true;
    this.#toldAway = undefined;
    if (this.#refusing === 'standby') return;
    this.#refusing = 'standby';
    this.#options.post({ kind: 'standby', reason });
    this.#refuseAll();
  }

  #refuseAll(): void {
    const replies = new Float64Array(this.#mailbox.unanswered).fill(
      encodeReply(this.#refusing ?? 'store-unavailable'),
    );
    replies.fill(encodeReply('commit-in-doubt'), 0, Math.min(this.#inDoubt, replies.length));
    this.#inDoubt = 0;
    this.#reply(replies, this.#acknowledged);
    this.#send();
  }

  /** They have passed the gate; `#send` posts them. */
  #reply(replies: Float64Array<ArrayBuffer>, acknowledged: Acknowledged): void {
    this.#acknowledged = acknowledged;
    this.#mailbox.answer(replies.length);
    if (replies.length > 0) this.#outbox.push(replies);
  }

  /** One message for all that may leave by now. */
  #send(): void {
    const [first, ...more] = this.#outbox;
    if (!first) return;
    this.#outbox = [];
    const replies = more.length === 0 ? first : joined([first, ...more]);
    const acknowledged = this.#acknowledged === NOTHING ? undefined : this.#acknowledged;
    this.#options.post({ kind: 'replies', replies, acknowledged });
  }

  /** Tries until the record is ours; undefined when the owner ended meanwhile. */
  async #reachStore(): Promise<Origin | undefined> {
    for (let tries = 0; this.#phase !== 'stopped'; tries++) {
      let waitMs = RETRY_MS[tries] ?? LAST_RETRY_MS;
      try {
        const origin = await this.#claim();
        if (origin) return origin;
      } catch (error) {
        if (error instanceof WarrenError && error.code === 'store-fenced' && this.#options.store.leaseMs) {
          this.#standBy(error.message);
          waitMs = STANDBY_MS;
        } else if (!this.#canPass(error)) return this.#end(error);
        else {
          this.#failure = error;
          // Nobody but an operator can end it, so it is told, whatever the absence began with.
          if (hasCode(error, 'store-denied')) this.#tellAway(messageOf(error));
          if (this.#phase === 'restoring' && !this.#patient) {
            this.#tellAwayOnce();
            this.#refuseUntilBack();
          }
        }
      }
      await this.#wait(waitMs);
    }
    return undefined;
  }

  #canPass(error: unknown): boolean {
    if (hasCode(error, 'store-denied')) return this.#settled;
    return hasCode(error, 'store-unreachable', 'store-refused');
  }

  get #patient(): boolean {
    return this.#record.waiting || this.#options.clock.now() < this.#patientUntil;
  }

  async #claim(): Promise<Origin | undefined> {
    const returning = this.#phase === 'recovering';
    const known = () => (this.#acknowledged === NOTHING ? undefined : this.#acknowledged);
    const reign = await this.#record.claim(known);
    if (!reign) return undefined;
    if (reign.origin) {
      this.#acknowledged = reign.acknowledged;
      return reign.origin;
    }
    // An async owner has gone on while the store answered.
    const { epoch } = reign.acknowledged;
    this.#acknowledged = { ...this.#shown(this.#acknowledged.state), epoch };
    return returning ? 'returned' : 'resumed';
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  #end(error: unknown): undefined {
    this.#phase = 'stopped';
    const code = error instanceof WarrenError ? error.code : 'owner-failing';
    this.#options.post({ kind: 'fatal', code, reason: messageOf(error) });
  }

  async #finish(): Promise<void> {
    if (this.#phase === 'stopped') return;
    if (this.#phase === 'serving' && this.#record.state !== this.#acknowledged.state) {
      this.#checkpointBehind();
      return;
    }
    const reigns = this.#phase === 'serving';
    this.#phase = 'stopped';
    this.#refuseAll();
    if (reigns) await this.#record.release();
    await this.#options.store.close();
    this.#options.post({ kind: 'stopped' });
  }
}

function joined(parts: readonly Float64Array[]): Float64Array<ArrayBuffer> {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof WarrenError && codes.includes(error.code);
}

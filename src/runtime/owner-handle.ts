/**
 * The main thread's side of the owner: what may be asked of it, what it says, and its replacement when it has died.
 *
 * Nobody sees the death of an owner: what it had not answered is still in the `AskLine`, in order, and its successor
 * starts from what the replies so far have shown and gets those messages again. That is safe because nothing that the
 * dead one had computed beyond them has left its gate.
 */
import type { ProblemCode } from '../errors.js';
import type { AskMeter } from '../meter/ask-meter.js';
import { type AskLimits, AskLine } from './ask-line.js';
import type { OwnerThread } from './owner-thread.js';
import type { Asker } from './pending-asks.js';
import {
  type Acknowledged,
  type FromOwner,
  MAIN_PULSE,
  MARKS,
  type Origin,
  OWNER_PULSE,
  TURN_IN_PROGRESS,
} from './protocol.js';
import { keepPulse, type Pulse } from './pulse.js';
import { type RestartLimits, Supervisor } from './supervisor.js';

export interface OwnerLimits extends RestartLimits, AskLimits {
  /** 0 turns the watchdog off. */
  readonly watchdogMs: number;
}

/** Without a watchdog: for how long a native call may keep a thread from being ended, in milliseconds. */
const END_PATIENCE_MS = 3_000;

/** What befalls the owner, for logs and for whoever decides over the process. */
export type OwnerEvent =
  | { readonly kind: 'serving'; readonly acknowledged: Acknowledged; readonly origin: Origin }
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'standby'; readonly reason: string }
  | { readonly kind: 'died'; readonly reason: string; readonly unanswered: number }
  | { readonly kind: 'poisoned'; readonly message: number }
  /** The process must end. */
  | { readonly kind: 'fatal'; readonly code: string; readonly reason: string };

export interface OwnerHandleOptions {
  readonly limits: OwnerLimits;
  readonly spawn: (resume: Acknowledged | undefined) => OwnerThread;
  readonly onEvent: (event: OwnerEvent) => void;
  /** An asker threw while it took its outcome. */
  readonly onError: (error: unknown) => void;
  /** An owner begins to serve at this state. Comes before the event, and before any of its replies. */
  readonly onServing: (state: number) => void;
  /** Called after each batch of replies, or each part of one. */
  readonly onReplies: (replies: Float64Array) => void;
  /** Whether replies can be answered to clients. While not, no ask reaches the owner; `goOn` tells of the change. */
  readonly answering: () => boolean;
  /** How many replies may be settled before the event loop turns again. */
  readonly repliesAtOnce: () => number;
}

export class OwnerHandle {
  readonly #options: OwnerHandleOptions;
  readonly #line: AskLine;
  readonly #supervisor: Supervisor;
  #thread: OwnerThread | undefined;
  #pulse: Pulse | undefined;
  #acknowledged: Acknowledged | undefined;
  /** Replies since this owner's reign began: its own count of positions starts there. */
  #replies = 0;
  #serving = false;
  #standby = false;
  /** The store is away. */
  #away = false;
  #deathReason = '';
  #stopped: (() => void) | undefined;
  #ended = false;

  constructor(options: OwnerHandleOptions) {
    this.#options = options;
    this.#line = new AskLine(options.limits, () => this.#thread, options.answering, options.onError);
    this.#supervisor = new Supervisor(options.limits);
  }

  get meter(): AskMeter {
    return this.#line.meter;
  }

  /** Starts the owner. What was asked before waits for it. */
  start(): void {
    this.#reign();
  }

  /** The state could be read, and commits pass. */
  get serving(): boolean {
    return this.#serving && !this.#ended;
  }

  /** What is asked now is taken in, and its turn comes soon. */
  get ready(): boolean {
    return this.serving && this.alive && !this.#line.shedding;
  }

  /** Another instance reigns. */
  get standby(): boolean {
    return this.#standby && !this.#ended;
  }

  /** The owner thread turns, or is being replaced. */
  get alive(): boolean {
    return !this.#ended && (this.#pulse?.alive ?? true);
  }

  get pending(): number {
    return this.#line.pending.count;
  }

  /** How long the oldest ask that the owner still owes has waited, in milliseconds. */
  get oldestMs(): number {
    return this.#line.oldestMs;
  }

  /** What the replies so far have shown; undefined until the state is restored, and while another instance reigns. */
  get acknowledged(): Acknowledged | undefined {
    return this.#acknowledged;
  }

  /** When it is worth coming back: the time that the line before the owner takes at its present speed, in seconds. */
  retryAfterSeconds(): number {
    return this.#line.retryAfterSeconds();
  }

  /**
   * Puts a message into the owner's mailbox. The asker hears of it exactly once, perhaps before this returns.
   *
   * @returns what `withdraw` takes; undefined when the ask was refused.
   */
  ask(message: number, asker: Asker): number | undefined {
    if (this.#ended || this.#stopped) {
      asker.settle('shutting-down');
      return undefined;
    }
    const refusal = this.#refusal;
    if (refusal) {
      asker.settle(refusal);
      return undefined;
    }
    return this.#line.ask(message, asker);
  }

  /** Replies can be answered from now on. */
  goOn(): void {
    this.#line.postHeld();
  }

  /** Why an ask is neither posted nor held. At the start asks are held: the state will be known soon. */
  get #refusal(): ProblemCode | undefined {
    if (this.#options.answering()) return undefined;
    if (this.#standby) return 'standby';
    if (this.#away) return 'store-unavailable';
    return this.#acknowledged && 'not-ready';
  }

  #refuseHeld(): void {
    const refusal = this.#refusal;
    if (refusal) this.#line.refuseHeld(refusal);
  }

  /** Its asker is gone. A message that is not posted yet never will be; any other takes its turn unheard. */
  withdraw(ask: number): void {
    this.#line.withdraw(ask);
  }

  /** Resolves when everything pending is answered and committed, and the owner has closed its store and ended. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      this.#line.postStop();
    });
  }

  /** Ends the owner thread in the middle of whatever it does: a rehearsal of its death. */
  crash(reason: string): void {
    const thread = this.#thread;
    if (!thread) return;
    const patienceMs = this.#options.limits.watchdogMs || END_PATIENCE_MS;
    this.#deathReason = reason;
    void thread.terminate();
    setTimeout(() => {
      if (this.#thread === thread) this.#end('owner-failing', `${reason}, and its thread could not be ended`);
    }, 2 * patienceMs).unref();
  }

  #spawn(): void {
    this.#replies = 0;
    this.#deathReason = '';
    const thread = this.#options.spawn(this.#acknowledged);
    thread.repliesAtOnce = this.#options.repliesAtOnce;
    this.#thread = thread;
    thread.on('message', (message) => this.#receive(message));
    thread.on('error', (error) => {
      this.#deathReason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    });
    thread.once('exit', (code) => this.#died(code, thread.vitalSigns));
    const { watchdogMs } = this.#options.limits;
    this.#pulse =
      watchdogMs === 0
        ? undefined
        : keepPulse({
            vitalSigns: thread.vitalSigns,
            own: MAIN_PULSE,
            other: OWNER_PULSE,
            silenceMs: watchdogMs,
            onSilence: () => this.crash(`it did not turn for ${watchdogMs} ms`),
          });
  }

  #receive(message: FromOwner): void {
    switch (message.kind) {
      case 'replies':
        this.#replies += message.replies.length;
        this.#line.settle(message.replies);
        this.#options.onReplies(message.replies);
        if (message.acknowledged) this.#acknowledged = message.acknowledged;
        return;
      case 'serving':
        this.#acknowledged = message.acknowledged;
        this.#serving = true;
        this.#standby = false;
        this.#away = false;
        this.#options.onServing(message.acknowledged.state);
        this.#refuseHeld();
        this.goOn();
        this.#options.onEvent(message);
        return;
      case 'away':
        this.#serving = false;
        this.#away = true;
        this.#refuseHeld();
        this.#options.onEvent(message);
        return;
      case 'standby':
        // Another instance goes on from it, so it is no truth to go back to, whatever becomes of this owner.
        this.#acknowledged = undefined;
        this.#serving = false;
        this.#standby = true;
        this.#options.onEvent(message);
        this.#refuseHeld();
        return;
      case 'fatal':
        this.#end(message.code, message.reason);
        return;
      case 'stopped':
        this.#ended = true;
        this.#release();
        this.#stopped?.();
        return;
      default:
        throw new Error(`unknown message from the owner: ${JSON.stringify(message satisfies never)}`);
    }
  }

  #died(exitCode: number, vitalSigns: Int32Array): void {
    this.#pulse?.stop();
    this.#thread = undefined;
    if (this.#ended) return;
    const { pending, meter } = this.#line;
    meter.deaths += 1;
    const reason = this.#deathReason || `its thread ended with code ${exitCode}`;
    const suspect = this.#suspect(vitalSigns);
    const directive = this.#supervisor.died(performance.now(), suspect);
    this.#options.onEvent({ kind: 'died', reason, unanswered: pending.count });
    if (suspect !== undefined && directive.poisoned) {
      this.#options.onEvent({ kind: 'poisoned', message: pending.messageAt(suspect) });
      pending.leaveOut(suspect, 'poisoned');
    }
    if (directive.action === 'give-up') {
      const { restartLimit, restartWindowMs } = this.#options.limits;
      this.#end(
        'owner-failing',
        `more than ${restartLimit} deaths within ${restartWindowMs} ms; last: ${reason}`,
      );
      return;
    }
    this.#reign();
  }

  #reign(): void {
    this.#spawn();
    this.#line.postAgain();
    if (this.#stopped) this.#line.postStop();
  }

  /** The ask whose turn the dead owner was taking. */
  #suspect(vitalSigns: Int32Array): number | undefined {
    const mark = Atomics.load(vitalSigns, TURN_IN_PROGRESS);
    if (mark === 0) return undefined;
    const ahead = mark - 1 - (this.#replies % MARKS);
    return this.#line.pending.positionOf(ahead < 0 ? ahead + MARKS : ahead);
  }

  #end(code: string, reason: string): void {
    this.#ended = true;
    this.#release();
    // Some of them may have been committed on the way. Answered first: whoever hears of the event ends the process.
    this.#line.pending.settleAll('internal');
    this.#options.onEvent({ kind: 'fatal', code, reason });
    this.#stopped?.();
  }

  #release(): void {
    this.#line.close();
    this.#pulse?.stop();
  }
}

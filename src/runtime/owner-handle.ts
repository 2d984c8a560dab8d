/**
 * The main thread's side of the owner: takes asks, posts them in batches, hands out replies, and replaces an owner
 * that has died.
 *
 * Nobody sees the death of an owner: what it had not answered is still in `PendingAsks`, in order, and its successor
 * starts from what the replies so far have shown and gets those messages again. That is safe because nothing that the
 * dead one had computed beyond them has left its gate.
 */
import { AskMeter } from '../meter/ask-meter.js';
import { DrainRate } from './drain-rate.js';
import type { OwnerThread } from './owner-thread.js';
import { type Asker, PendingAsks } from './pending-asks.js';
import {
  type Acknowledged,
  decodeReply,
  type FromOwner,
  MAIN_PULSE,
  MARKS,
  type Origin,
  OWNER_PULSE,
  type ToOwner,
  TURN_IN_PROGRESS,
  UNSAFE_TO_END,
  VITAL_SIGNS,
} from './protocol.js';
import { keepPulse, type Pulse } from './pulse.js';
import { endThread } from './safe-end.js';
import { type RestartLimits, Supervisor } from './supervisor.js';

export interface OwnerLimits extends RestartLimits {
  readonly mailboxLimit: number;
  /** How long a client waits for its answer, in milliseconds. */
  readonly askTimeoutMs: number;
  /** While the oldest ask has waited for longer than this, new ones are refused, in milliseconds. */
  readonly shedAfterMs: number;
  readonly watchdogMs: number;
}

const TICK_MS = 100;
const MAX_RETRY_SECONDS = 30;

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
  readonly spawn: (vitalSigns: Int32Array, resume: Acknowledged | undefined) => OwnerThread;
  readonly onEvent: (event: OwnerEvent) => void;
  /** Called after each batch of replies, with the state that they have shown. */
  readonly onAcknowledged: (acknowledged: Acknowledged) => void;
}

export class OwnerHandle {
  readonly meter = new AskMeter();
  readonly #options: OwnerHandleOptions;
  readonly #asks: PendingAsks;
  readonly #supervisor: Supervisor;
  readonly #expiry: NodeJS.Timeout;
  /** Position of the first ask of this event-loop turn: from there on, messages are not posted yet. */
  #unposted = 0;
  /** When this event-loop turn had its first ask; undefined before that. */
  #turnAt: number | undefined;
  /** `#endTurn` is due at the end of this one. */
  #turnEnds = false;
  readonly #drain = new DrainRate();
  #thread: OwnerThread | undefined;
  #vitalSigns: Int32Array = new Int32Array(VITAL_SIGNS);
  #pulse: Pulse | undefined;
  #acknowledged: Acknowledged | undefined;
  /** Replies since this owner's reign began: its own count of positions starts there. */
  #replies = 0;
  #serving = false;
  #standby = false;
  #deathReason = '';
  #stopped: (() => void) | undefined;
  #ended = false;

  constructor(options: OwnerHandleOptions) {
    this.#options = options;
    const { mailboxLimit, askTimeoutMs } = options.limits;
    this.#asks = new PendingAsks(mailboxLimit);
    this.#supervisor = new Supervisor(options.limits);
    this.#expiry = setInterval(
      () => {
        // An owner that owes nothing is not waited for, and may have something to say.
        this.#thread?.collect();
        this.#asks.expire(performance.now() - askTimeoutMs);
        this.#drain.tick(performance.now());
      },
      Math.min(TICK_MS, askTimeoutMs / 4),
    );
    this.#expiry.unref();
  }

  /** Starts the owner. What was asked before waits for it. */
  start(): void {
    this.#reign();
  }

  /** The state could be read, and commits pass. */
  get serving(): boolean {
    return this.#serving && !this.#ended;
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
    return this.#asks.count;
  }

  /** How long the oldest ask that the owner still owes has waited, in milliseconds. */
  get oldestMs(): number {
    const since = this.#asks.oldestAt;
    return since === undefined ? 0 : performance.now() - since;
  }

  /** What the replies so far have shown; undefined until the state is restored, and while another instance reigns. */
  get acknowledged(): Acknowledged | undefined {
    return this.#acknowledged;
  }

  /** When it is worth coming back: the time that the line before the owner takes at its present speed, in seconds. */
  retryAfterSeconds(): number {
    const seconds = Math.ceil(this.#asks.count / Math.max(1, this.#drain.perSecond));
    return Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS);
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
    if (this.#turnAt === undefined) {
      this.#turnAt = performance.now();
      this.#scheduleTurnEnd();
    }
    const oldestAt = this.#asks.oldestAt ?? this.#turnAt;
    // By age, not only by number: whoever is let in behind a line that stands still would wait at least as long.
    if (this.#asks.full || this.#turnAt - oldestAt > this.#options.limits.shedAfterMs) {
      asker.settle('mailbox-full');
      return undefined;
    }
    return this.#asks.add(message, asker, this.#turnAt);
  }

  /** Its asker is gone. A message that is not posted yet never will be; any other takes its turn unheard. */
  withdraw(ask: number): void {
    if (ask >= this.#unposted) this.#asks.leaveOut(ask, 'internal');
  }

  /** Resolves when everything pending is answered and committed, and the owner has closed its store and ended. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      this.#postAsks('asks', this.#unposted);
      this.#post({ kind: 'stop' });
      this.#scheduleTurnEnd();
    });
  }

  /** Ends the owner thread in the middle of whatever it does, but for a native call: a rehearsal of its death. */
  crash(reason: string): void {
    const thread = this.#thread;
    if (!thread) return;
    const { watchdogMs } = this.#options.limits;
    this.#deathReason = reason;
    endThread(thread, this.#vitalSigns, watchdogMs);
    setTimeout(() => {
      if (this.#thread === thread) this.#end('owner-failing', `${reason}, and its thread could not be ended`);
    }, 2 * watchdogMs).unref();
  }

  #spawn(): void {
    this.#vitalSigns = new Int32Array(new SharedArrayBuffer(VITAL_SIGNS * Int32Array.BYTES_PER_ELEMENT));
    this.#vitalSigns[UNSAFE_TO_END] = 1;
    this.#replies = 0;
    this.#deathReason = '';
    const thread = this.#options.spawn(this.#vitalSigns, this.#acknowledged);
    this.#thread = thread;
    thread.on('message', (message) => this.#receive(message));
    thread.on('error', (error) => {
      this.#deathReason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    });
    thread.once('exit', (code) => this.#died(code));
    this.#pulse = keepPulse({
      vitalSigns: this.#vitalSigns,
      own: MAIN_PULSE,
      other: OWNER_PULSE,
      silenceMs: this.#options.limits.watchdogMs,
      onSilence: () => this.crash(`it did not turn for ${this.#options.limits.watchdogMs} ms`),
    });
  }

  #scheduleTurnEnd(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#turnEnds = false;
    this.#turnAt = undefined;
    const posted = this.#postAsks('asks', this.#unposted);
    this.#thread?.collect();
    if (this.#asks.count === 0) return;
    // One turn more before this thread lets itself be woken: under load the replies are there by then.
    if (posted) this.#scheduleTurnEnd();
    else this.#awaitReplies();
  }

  #awaitReplies(): void {
    const thread = this.#thread;
    thread?.wait(() => {
      thread.collect();
      if (this.#asks.count > 0) this.#awaitReplies();
    });
  }

  /** @returns whether there were any. */
  #postAsks(kind: 'asks' | 'asks-again', from: number | undefined): boolean {
    const messages = this.#asks.unanswered(from);
    this.#unposted = this.#asks.end;
    if (messages.length === 0) return false;
    if (kind === 'asks') this.meter.batchSizes.record(messages.length);
    this.#post({ kind, messages });
    return true;
  }

  #post(message: ToOwner): void {
    this.#thread?.post(message);
  }

  #receive(message: FromOwner): void {
    switch (message.kind) {
      case 'replies':
        this.#replies += message.replies.length;
        this.#drain.count(numbersIn(message.replies));
        this.#settle(message.replies);
        if (!message.acknowledged) return;
        this.#acknowledged = message.acknowledged;
        this.#options.onAcknowledged(message.acknowledged);
        return;
      case 'serving':
        this.#acknowledged = message.acknowledged;
        this.#serving = true;
        this.#standby = false;
        this.#options.onAcknowledged(message.acknowledged);
        this.#options.onEvent(message);
        return;
      case 'away':
        this.#serving = false;
        this.#options.onEvent(message);
        return;
      case 'standby':
        // Another instance goes on from it, so it is no truth to go back to, whatever becomes of this owner.
        this.#acknowledged = undefined;
        this.#serving = false;
        this.#standby = true;
        this.#options.onEvent(message);
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

  #settle(replies: Float64Array): void {
    const now = performance.now();
    // Asks of one batch came in together, so they are recorded together. A refusal comes at once, or after a grace; it would
    // hide how long numbers take.
    let since = this.#asks.oldestAt ?? now;
    let together = 0;
    for (const reply of replies) {
      const at = this.#asks.oldestAt ?? now;
      if (at !== since) {
        this.meter.latency.record(now - since, together);
        since = at;
        together = 0;
      }
      const outcome = decodeReply(reply);
      if (typeof outcome === 'number') together += 1;
      this.#asks.settleNext(outcome);
    }
    this.meter.latency.record(now - since, together);
  }

  #died(exitCode: number): void {
    this.#pulse?.stop();
    this.#thread = undefined;
    if (this.#ended) return;
    this.meter.deaths += 1;
    const reason = this.#deathReason || `its thread ended with code ${exitCode}`;
    const suspect = this.#suspect();
    const directive = this.#supervisor.died(performance.now(), suspect);
    this.#options.onEvent({ kind: 'died', reason, unanswered: this.#asks.count });
    if (suspect !== undefined && directive.poisoned) {
      this.#options.onEvent({ kind: 'poisoned', message: this.#asks.messageAt(suspect) });
      this.#asks.leaveOut(suspect, 'poisoned');
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
    this.#postAsks('asks-again', undefined);
    this.#scheduleTurnEnd();
    if (this.#stopped) this.#post({ kind: 'stop' });
  }

  /** The ask whose turn the dead owner was taking. */
  #suspect(): number | undefined {
    const mark = Atomics.load(this.#vitalSigns, TURN_IN_PROGRESS);
    if (mark === 0) return undefined;
    const ahead = mark - 1 - (this.#replies % MARKS);
    return this.#asks.positionOf(ahead < 0 ? ahead + MARKS : ahead);
  }

  #end(code: string, reason: string): void {
    this.#ended = true;
    this.#release();
    // Some of them may have been committed on the way. Answered first: whoever hears of the event ends the process.
    this.#asks.settleAll('internal');
    this.#options.onEvent({ kind: 'fatal', code, reason });
    this.#stopped?.();
  }

  #release(): void {
    clearInterval(this.#expiry);
    this.#pulse?.stop();
  }
}

/** Refusals cost the owner nothing: they tell nothing of its speed. */
function numbersIn(replies: Float64Array): number {
  let numbers = 0;
  for (const reply of replies) if (reply >= 0) numbers += 1;
  return numbers;
}

/**
 * The line before the owner, on the main thread: takes asks, posts them in batches, and hands out the replies. It outlives
 * owners: whichever thread is there at the time is posted to, and a successor gets what is unanswered.
 */

import type { ProblemCode } from '../errors.js';
import { AskMeter } from '../meter/ask-meter.js';
import { DrainRate } from './drain-rate.js';
import type { OwnerThread } from './owner-thread.js';
import { type Asker, PendingAsks } from './pending-asks.js';
import { decodeReply } from './protocol.js';

export interface AskLimits {
  readonly mailboxLimit: number;
  /** How long a client waits for its answer, in milliseconds. */
  readonly askTimeoutMs: number;
  /** While the oldest ask has waited for longer than this, new ones are refused, in milliseconds. */
  readonly shedAfterMs: number;
}

const TICK_MS = 100;
const MAX_RETRY_SECONDS = 30;

export class AskLine {
  readonly meter = new AskMeter();
  /** What the owner owes. */
  readonly pending: PendingAsks;
  readonly #limits: AskLimits;
  readonly #thread: () => OwnerThread | undefined;
  readonly #mayPost: () => boolean;
  readonly #expiry: NodeJS.Timeout;
  /** Position of the first ask of this event-loop turn: from there on, messages are not posted yet. */
  #unposted = 0;
  /** When this event-loop turn had its first ask; undefined before that. */
  #turnAt: number | undefined;
  /** `#endTurn` is due at the end of this one. */
  #turnEnds = false;
  readonly #drain = new DrainRate();

  /**
   * @param thread the owner of the moment.
   * @param mayPost false as long as no ask may reach the owner. Asks wait here then.
   * @param onError an asker threw.
   */
  constructor(
    limits: AskLimits,
    thread: () => OwnerThread | undefined,
    mayPost: () => boolean,
    onError: (error: unknown) => void,
  ) {
    const { mailboxLimit, askTimeoutMs } = limits;
    this.#limits = limits;
    this.#thread = thread;
    this.#mayPost = mayPost;
    this.pending = new PendingAsks(mailboxLimit, onError);
    this.#expiry = setInterval(
      () => {
        // An owner that owes nothing is not waited for, and may have something to say.
        this.#thread()?.collect();
        this.pending.expire(performance.now() - askTimeoutMs, this.#unposted);
        this.#drain.tick(performance.now());
      },
      Math.min(TICK_MS, askTimeoutMs / 4),
    );
    this.#expiry.unref();
  }

  /** How long the oldest ask has waited, in milliseconds. */
  get oldestMs(): number {
    const since = this.pending.oldestAt;
    return since === undefined ? 0 : performance.now() - since;
  }

  /** The line stands still: who comes now is refused. */
  get shedding(): boolean {
    return this.oldestMs > this.#limits.shedAfterMs;
  }

  /** The time that the line takes at its present speed, in seconds. */
  retryAfterSeconds(): number {
    const seconds = Math.ceil(this.pending.count / Math.max(1, this.#drain.perSecond));
    return Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS);
  }

  /** @returns the position of the ask; undefined when it was refused. */
  ask(message: number, asker: Asker): number | undefined {
    if (this.#turnAt === undefined) {
      this.#turnAt = performance.now();
      this.#scheduleTurnEnd();
    }
    const oldestAt = this.pending.oldestAt ?? this.#turnAt;
    // By age, not only by number: whoever is let in behind a line that stands still would wait at least as long.
    if (this.pending.full || this.#turnAt - oldestAt > this.#limits.shedAfterMs) {
      asker.settle('mailbox-full');
      return undefined;
    }
    return this.pending.add(message, asker, this.#turnAt);
  }

  /** Its asker is gone. A message that is not posted yet never will be; any other takes its turn unheard. */
  withdraw(ask: number): void {
    if (ask >= this.#unposted) this.pending.leaveOut(ask, 'internal');
  }

  /** Asks that have waited here may be posted now. */
  postHeld(): void {
    if (this.pending.count > 0) this.#scheduleTurnEnd();
  }

  /** Answers what has not been posted. It never will be. */
  refuseHeld(code: ProblemCode): void {
    this.pending.leaveOutFrom(this.#unposted, code);
  }

  /** The last words to an owner: what came before them, and then that it shall stop. */
  postStop(): void {
    this.#post('asks', this.#unposted);
    this.refuseHeld('shutting-down');
    this.#thread()?.post({ kind: 'stop' });
    this.#scheduleTurnEnd();
  }

  /** To a successor. */
  postAgain(): void {
    this.#post('asks-again', undefined);
    this.#scheduleTurnEnd();
  }

  /** The owner's next replies. */
  settle(replies: Float64Array): void {
    this.#drain.count(numbersIn(replies));
    const { pending, meter } = this;
    const now = performance.now();
    // Asks of one batch came in together, so they are recorded together. A refusal comes at once, or after a grace; it would
    // hide how long numbers take.
    let since = pending.oldestAt ?? now;
    let together = 0;
    for (const reply of replies) {
      const at = pending.oldestAt ?? now;
      if (at !== since) {
        meter.latency.record(now - since, together);
        since = at;
        together = 0;
      }
      const outcome = decodeReply(reply);
      if (typeof outcome === 'number') together += 1;
      pending.settleNext(outcome);
    }
    meter.latency.record(now - since, together);
  }

  close(): void {
    clearInterval(this.#expiry);
  }

  #scheduleTurnEnd(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#turnEnds = false;
    this.#turnAt = undefined;
    const posted = this.#post('asks', this.#unposted);
    this.#thread()?.collect();
    if (this.pending.count === 0) return;
    // One turn more before this thread lets itself be woken: under load the replies are there by then.
    if (posted) this.#scheduleTurnEnd();
    else this.#awaitReplies();
  }

  #awaitReplies(): void {
    const thread = this.#thread();
    thread?.wait(() => {
      thread.collect();
      if (this.pending.count > 0) this.#awaitReplies();
    });
  }

  /** @returns whether there were any. */
  #post(kind: 'asks' | 'asks-again', from: number | undefined): boolean {
    if (this.#mayPost()) this.#unposted = this.pending.end;
    const messages = this.pending.unanswered(from, this.#unposted);
    if (messages.length === 0) return false;
    if (kind === 'asks') this.meter.batchSizes.record(messages.length);
    this.#thread()?.post({ kind, messages });
    return true;
  }
}

/** Refusals cost the owner nothing: they tell nothing of its speed. */
function numbersIn(replies: Float64Array): number {
  let numbers = 0;
  for (const reply of replies) if (reply >= 0) numbers += 1;
  return numbers;
}

/**
 * The main thread's side of the owner: takes requests, hands out replies, and replaces an owner thread that has died. Each shard has a queue of its own, so
 * that one whose replies hang holds only the requests of its own actors.
 *
 * No client notices the death of an owner thread: what it had not answered is in the `RequestQueue`, and its successor gets it. Nothing that
 * the dead thread had computed beyond the released replies has been shown, except through the group that it was committing; the fence
 * says whether that one is stored.
 */
import type { ProblemCode } from '../../errors.js';
import type { RequestMeter } from '../../meter/request-meter.js';
import { shardOf } from '../../store/shard-of.js';
import { DrainRate } from '../drain-rate.js';
import type { LinkSize } from '../link/link-memory.js';
import { NOTHING, PROBLEM } from '../link/reply-kind.js';
import { MAIN_HEARTBEAT, OWNER_HEARTBEAT } from '../link/thread-words.js';
import { decodeKey } from '../owner/actor-key.js';
import type { FromOwner } from '../owner/events.js';
import type { StoreQuestion } from '../owner/store-reader.js';
import { keepPulse, type Pulse } from '../pulse.js';
import { type RestartLimits, Supervisor } from '../supervisor.js';
import type { OwnerStart, OwnerThread, OwnerThreads } from './owner-threads.js';
import type { Responder } from './request-queue.js';
import { RequestQueues, type ShardLink } from './request-queues.js';
import { type ShardState, ShardStates } from './shard-states.js';

export interface OwnerLimits extends RestartLimits {
  /** How long a client waits for its answer, in milliseconds. */
  readonly askTimeoutMs: number;
  /** While the oldest request has waited for longer than this, new ones are refused, in milliseconds. */
  readonly shedAfterMs: number;
  /** Silence after which a thread counts as hung, in milliseconds; 0 for never. */
  readonly watchdogMs: number;
}

export type OwnerEvent =
  | FromOwner
  | { readonly kind: 'died'; readonly reason: string; readonly unanswered: number }
  | { readonly kind: 'poisoned'; readonly message: number; readonly key: string };

export interface OwnerHandleOptions {
  readonly limits: OwnerLimits;
  /** How much may wait, in each shard. */
  readonly queue: LinkSize;
  readonly shards: number;
  /** The name of each message's actor, by the number of the message. */
  readonly actors: readonly string[];
  readonly threads: OwnerThreads;
  readonly onEvent: (event: OwnerEvent) => void;
  /** A responder threw. */
  readonly onError: (error: unknown) => void;
  readonly meter: RequestMeter;
  /** How many replies may be handed out before the event loop turns again. */
  readonly repliesAtOnce: () => number;
}

const TICK_MS = 100;
/** A module of actors that does not end to load is a mistake in it. */
const LOAD_LIMIT_MS = 60_000;
const MAX_RETRY_SECONDS = 30;
/** From service to the begin of a spare thread. */
const SPARE_AFTER_MS = 1_000;
/** Without a watchdog: for how long a native call may keep a thread from being ended, in milliseconds. */
const END_PATIENCE_MS = 3_000;

export class OwnerHandle {
  readonly #options: OwnerHandleOptions;
  readonly #queues: RequestQueues;
  readonly #states: ShardStates;
  readonly #supervisor: Supervisor;
  readonly #drain = new DrainRate();
  readonly #tick: NodeJS.Timeout;
  #thread: OwnerThread | undefined;
  #pulse: Pulse | undefined;
  #loading: NodeJS.Timeout | undefined;
  #ended = false;
  #stopped: (() => void) | undefined;
  /** When this iteration of the event loop had its first request; undefined before that. */
  #iterationAt: number | undefined;
  #flushes = false;
  /** Replies since the last tick. */
  #answered = 0;
  /** When replies were looked for. */
  #now = 0;
  #instance = '';
  #node: OwnerStart['node'];
  #left: (() => void) | undefined;
  #leaving = false;
  /** Owner threads that have died. */
  deaths = 0;

  constructor(options: OwnerHandleOptions) {
    this.#options = options;
    const { meter, onError, shards, queue: size } = options;
    const onReply = (message: number, kind: number, askedAt: number) => {
      // A refusal comes at once, or after a grace: it would hide how long replies take.
      if (kind === PROBLEM || kind === NOTHING) return;
      meter.count(message, this.#now - askedAt);
      this.#answered += 1;
    };
    this.#queues = new RequestQueues(shards, { size, onReply, onError });
    this.#states = new ShardStates(shards);
    this.#supervisor = new Supervisor(options.limits);
    const { askTimeoutMs } = options.limits;
    this.#tick = setInterval(() => this.#onTick(), Math.min(TICK_MS, askTimeoutMs / 4));
    this.#tick.unref();
  }

  /** @param instance what operators call the process. @param node what other nodes are told of it. */
  start(instance: string, node?: Omit<NonNullable<OwnerStart['node']>, 'state'>): void {
    this.#instance = instance;
    this.#node = node && { ...node, state: 'joining' };
    this.#begin(this.#queues.links());
  }

  get shards(): number {
    return this.#options.shards;
  }

  /** What is known of a shard. */
  stateOf(shard: number): ShardState {
    return this.#states.of(shard);
  }

  /** The shard of an actor. @param key as it came, percent-encoded; for one that is no key any shard gives the same answer. */
  shardOf(message: number, key: string): number {
    const { shards, actors } = this.#options;
    return shards === 1 ? 0 : shardOf(`${actors[message]}/${decodeKey(key) ?? ''}`, shards);
  }

  /** Shards whose fence is taken, and whose commits pass. */
  get owned(): number {
    return this.#states.owned;
  }

  /** Some fence is taken, and commits pass in all shards that others do not own. */
  get serving(): boolean {
    return this.#states.settled && this.owned > 0 && this.open;
  }

  /** No shard waits for the store: each is owned here, or its requests go to another node. */
  get mayForward(): boolean {
    return this.#states.settled && this.#turnsSoon;
  }

  /** Others own all shards. */
  get standby(): boolean {
    return this.#states.settled && this.owned === 0 && !this.#ended;
  }

  /** It takes requests. */
  get open(): boolean {
    return !this.#ended && this.#stopped === undefined;
  }

  /** The owner thread turns, or is being replaced. */
  get alive(): boolean {
    return !this.#ended && (this.#pulse?.alive ?? true);
  }

  /** What is asked now is taken in, and its turn comes soon. */
  get ready(): boolean {
    return this.serving && this.#turnsSoon;
  }

  get #turnsSoon(): boolean {
    return this.alive && this.oldestMs <= this.#options.limits.shedAfterMs;
  }

  /** A request is answered by a turn, as far as is known: no other instance owns the shard, and the store is not away. */
  mayServe(shard: number): boolean {
    const state = this.stateOf(shard);
    return !this.#ended && state !== 'away' && state !== 'standby';
  }

  /** How long the oldest request has waited, in milliseconds. */
  get oldestMs(): number {
    return this.#queues.oldestMs(performance.now());
  }

  /** The highest of the fences that the owner has taken last; 0 before that. */
  get epoch(): number {
    return this.#states.epoch;
  }

  /** Requests that the owner has replied to. */
  get replies(): number {
    return this.#queues.answered;
  }

  /** Requests that the owner has not answered. */
  get pending(): number {
    return this.#queues.count;
  }

  /** When it is worth coming back: the time that the queues take at their present speed, in seconds. */
  retryAfterSeconds(): number {
    const seconds = Math.ceil(this.pending / Math.max(1, this.#drain.perSecond));
    return Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS);
  }

  /**
   * Puts a request into the owner's mailbox. The responder is called exactly once, perhaps before this returns.
   *
   * @param key as it came, percent-encoded.
   * @param idempotency `Idempotency-Key query`; empty without that header.
   * @returns what `withdraw` takes; undefined when the request was refused.
   */
  ask(
    message: number,
    key: string,
    body: Uint8Array | undefined,
    responder: Responder,
    idempotency = '',
  ): number | undefined {
    return this.askIn(this.shardOf(message, key), message, key, body, responder, idempotency);
  }

  /** As `ask`, of an actor whose shard is known. */
  askIn(
    shard: number,
    message: number,
    key: string,
    body: Uint8Array | undefined,
    responder: Responder,
    idempotency: string,
  ): number | undefined {
    if (this.#ended || this.#stopped) return refuse(responder, 'shutting-down');
    if (this.#iterationAt === undefined) {
      this.#iterationAt = performance.now();
      this.#flushLater();
    }
    const now = this.#iterationAt;
    const queue = this.#queues.of(shard);
    // By age, not only by number: a request behind a queue that stands still would wait at least as long.
    if (now - (queue.oldestAt ?? now) > this.#options.limits.shedAfterMs)
      return refuse(responder, 'mailbox-full');
    const position = queue.ask(message, key, body, idempotency, responder, now);
    if (position === undefined) return refuse(responder, 'mailbox-full');
    return this.#queues.ticketOf(shard, position);
  }

  /** What an operator asks about the store, in whatever state the owner is. Rejects when there is no answer. */
  askStore(question: StoreQuestion): Promise<unknown> {
    if (!this.#thread || this.#ended) return Promise.reject(new Error('no owner thread has begun'));
    return this.#thread.askStore(question);
  }

  /** Its client is gone. */
  withdraw(ticket: number): void {
    this.#queues.withdraw(ticket);
  }

  /** Gives all shards to other nodes. Resolves when none is left here. Requests for them are answered `standby` from then on. */
  leave(): Promise<void> {
    if (this.#ended || !this.#thread) return Promise.resolve();
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#leaving = true;
      this.#thread?.leave();
    });
  }

  /** Resolves when everything pending is answered and committed, and the owner has closed its store and ended. */
  stop(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.#queues.publish();
      this.#thread?.stop();
      this.#flushLater();
    });
  }

  /** Ends without waiting for anything. What is pending may have been committed, and may be yet: its clients hear so. */
  abandon(reason: string): void {
    if (!this.#ended) this.#end('ask-timeout');
    clearTimeout(this.#loading);
    this.#thread?.end(reason);
    this.#stopped?.();
  }

  /** Ends the owner thread in the middle of whatever it does. */
  crash(reason: string): void {
    const thread = this.#thread;
    if (!thread) return;
    thread.end(reason);
    // A native call that does not return keeps its thread, and with it the store.
    const patienceMs = 2 * (this.#options.limits.watchdogMs || END_PATIENCE_MS);
    setTimeout(() => {
      if (this.#thread !== thread || this.#ended) return;
      this.#end('internal');
      const why = `${reason}, and its thread could not be ended`;
      this.#options.onEvent({ kind: 'fatal', code: 'owner-failing', reason: why });
    }, patienceMs).unref();
  }

  /** @param shards what the thread gets for each. */
  #begin(shards: readonly ShardLink[]): void {
    const thread = this.#options.threads.next();
    this.#thread = thread;
    this.#pulse = undefined;
    this.#loading = setTimeout(
      () => thread.end(`the actors were not loaded within ${LOAD_LIMIT_MS} ms`),
      LOAD_LIMIT_MS,
    );
    this.#loading.unref();
    const links = shards.map((link, shard) => {
      const state = this.stateOf(shard);
      return { ...link, owned: state === 'serving' || state === 'away' };
    });
    thread.start(
      { links, instance: this.#instance, node: this.#node },
      {
        onEvent: (event) => this.#onEvent(event),
        onExit: (reason) => this.#onExit(reason),
      },
    );
    if (this.#leaving) thread.leave();
    if (this.#stopped) thread.stop();
    this.#flushLater();
  }

  #onEvent(event: FromOwner): void {
    // What was released before it was said comes first.
    this.#collect(Number.POSITIVE_INFINITY);
    this.#states.note(event);
    switch (event.kind) {
      case 'loaded':
        this.#watch();
        return;
      case 'serving':
        this.#prepareSpareLater();
        break;
      case 'nodes': {
        // The other nodes see one node, whichever thread it has.
        const own = event.nodes.find(({ instance }) => instance === this.#instance);
        if (own && this.#node) this.#node = { ...this.#node, state: own.state };
        break;
      }
      case 'left':
        this.#left?.();
        break;
      case 'fatal':
        // Some of what is pending may be committed: a 503 would promise that it is not.
        this.#end('internal');
        break;
      case 'stopped':
        this.#end('shutting-down');
        this.#stopped?.();
        break;
      default:
        break;
    }
    this.#options.onEvent(event);
  }

  /** Not at once: those who waited for the start come first. */
  #prepareSpareLater(): void {
    setTimeout(() => {
      if (!this.#ended) this.#options.threads.prepareSpare();
    }, SPARE_AFTER_MS).unref();
  }

  /** From here on the thread turns its event loop: silence means that it hangs. */
  #watch(): void {
    clearTimeout(this.#loading);
    const { watchdogMs } = this.#options.limits;
    const thread = this.#thread;
    if (watchdogMs === 0 || !thread) return;
    this.#pulse = keepPulse({
      words: thread.words,
      own: MAIN_HEARTBEAT,
      other: OWNER_HEARTBEAT,
      silenceMs: watchdogMs,
      onSilence: () => this.crash(`it did not turn for ${watchdogMs} ms`),
    });
  }

  #onExit(reason: string): void {
    clearTimeout(this.#loading);
    this.#pulse?.stop();
    this.#thread = undefined;
    if (this.#ended) return;
    this.deaths += 1;
    this.#collect(Number.POSITIVE_INFINITY);
    const suspect = this.#queues.suspect();
    const { action, poisoned } = this.#supervisor.died(performance.now(), suspect?.ticket);
    this.#options.onEvent({ kind: 'died', reason, unanswered: this.pending });
    if (poisoned && suspect) {
      const { queue, position } = suspect;
      this.#options.onEvent({
        kind: 'poisoned',
        message: queue.messageAt(position),
        key: queue.keyAt(position),
      });
      queue.leaveOut(position, 'poisoned');
    }
    if (action === 'give-up') {
      const { restartLimit, restartWindowMs } = this.#options.limits;
      this.#end('internal');
      this.#options.onEvent({
        kind: 'fatal',
        code: 'owner-failing',
        reason: `more than ${restartLimit} deaths within ${restartWindowMs} ms; last: ${reason}`,
      });
      return;
    }
    this.#begin(this.#queues.relink());
  }

  #end(code: ProblemCode): void {
    this.#ended = true;
    clearInterval(this.#tick);
    this.#pulse?.stop();
    this.#queues.refuseAll(code);
    this.#left?.();
  }

  #flushLater(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    setImmediate(() => this.#flush());
  }

  /** The end of an iteration of the event loop: what was asked in it becomes visible to the owner at once. */
  #flush(): void {
    this.#flushes = false;
    this.#iterationAt = undefined;
    const news = this.#queues.publish();
    if (news > 0) this.#options.meter.batchSizes.record(news);
    const more = this.#collect(this.#options.repliesAtOnce());
    if (!this.#queues.waits || this.#ended) return;
    // One iteration more before this thread lets itself be woken: under load the replies are there by then.
    if (news > 0 || more) this.#flushLater();
    else this.#awaitReplies();
  }

  /** @returns whether there may be more. */
  #collect(limit: number): boolean {
    this.#now = performance.now();
    return this.#queues.collect(limit);
  }

  #awaitReplies(): void {
    this.#queues.awaitReplies(() => {
      const more = this.#collect(this.#options.repliesAtOnce());
      if (!this.#queues.waits) return;
      if (more) this.#flushLater();
      else this.#awaitReplies();
    });
  }

  #onTick(): void {
    if (this.#collect(this.#options.repliesAtOnce())) this.#flushLater();
    const now = this.#now;
    this.#queues.expire(now - this.#options.limits.askTimeoutMs);
    this.#drain.count(this.#answered);
    this.#answered = 0;
    this.#drain.tick(now);
  }
}

function refuse(responder: Responder, code: ProblemCode): undefined {
  responder.refuse(code);
}

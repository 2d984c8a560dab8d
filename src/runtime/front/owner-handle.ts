/**
 * The main thread's handle of the owner thread: takes requests, hands out replies, and replaces an owner thread that has died. Each shard has a
 * queue of its own, so a shard whose store hangs delays only the requests to its own actors.
 *
 * Clients do not notice the death of an owner thread: the requests that it has not answered are in the `RequestQueue`, and its successor gets
 * them. Clients have seen released replies only. If the group that was being committed turns out to be stored, its replies are released too;
 * otherwise its requests are taken again.
 */
import type { ProblemCode } from '../../errors.js';
import type { RequestMeter } from '../../meter/request-meter.js';
import { shardOf } from '../../store/shard-of.js';
import { DrainRate } from '../drain-rate.js';
import { type Heartbeat, keepHeartbeat } from '../heartbeat.js';
import type { LinkSize } from '../link/link-memory.js';
import { NOTHING, PROBLEM } from '../link/reply-kind.js';
import { MAIN_HEARTBEAT, OWNER_HEARTBEAT } from '../link/thread-words.js';
import { decodeKey } from '../owner/actor-key.js';
import type { FromOwner } from '../owner/events.js';
import type { StoreQuestion } from '../owner/store-reader.js';
import { type RestartLimits, Supervisor } from '../supervisor.js';
import type { OwnerStart, OwnerThread, OwnerThreads } from './owner-threads.js';
import type { Responder } from './request-queue.js';
import { RequestQueues, type ShardLink } from './request-queues.js';
import { type ShardState, ShardStates } from './shard-states.js';

export interface OwnerLimits extends RestartLimits {
  /** A request without an answer after this time is answered `ask-timeout`, in milliseconds. */
  readonly askTimeoutMs: number;
  /** New requests are refused while the oldest one has waited for longer than this, in milliseconds. */
  readonly shedAfterMs: number;
  /** A thread without a heartbeat for this time counts as hung, in milliseconds; 0 for never. */
  readonly watchdogMs: number;
}

export type OwnerEvent =
  | FromOwner
  | { readonly kind: 'died'; readonly reason: string; readonly unanswered: number }
  | { readonly kind: 'poisoned'; readonly message: number; readonly key: string };

export interface OwnerHandleOptions {
  readonly limits: OwnerLimits;
  /** The size of each shard's queue. */
  readonly queue: LinkSize;
  readonly shards: number;
  /** The name of each message's actor, by the number of the message. */
  readonly actors: readonly string[];
  readonly threads: OwnerThreads;
  readonly onEvent: (event: OwnerEvent) => void;
  /** Called when a responder has thrown. */
  readonly onError: (error: unknown) => void;
  readonly meter: RequestMeter;
  /** How many replies may be handed out in one event-loop iteration. */
  readonly repliesAtOnce: () => number;
}

const TICK_MS = 100;
/** The longest time that loading the modules of actors may take. */
const LOAD_LIMIT_MS = 60_000;
const MAX_RETRY_SECONDS = 30;
/** How long after an owner has begun to serve its spare is started. */
const SPARE_AFTER_MS = 1_000;
/** Without a watchdog: how long a native call may keep a thread from being terminated. */
const END_PATIENCE_MS = 3_000;

export class OwnerHandle {
  readonly #options: OwnerHandleOptions;
  readonly #queues: RequestQueues;
  readonly #states: ShardStates;
  readonly #supervisor: Supervisor;
  readonly #drain = new DrainRate();
  readonly #tick: NodeJS.Timeout;
  #thread: OwnerThread | undefined;
  #heartbeat: Heartbeat | undefined;
  #loading: NodeJS.Timeout | undefined;
  #ended = false;
  #stopped: (() => void) | undefined;
  /** When the first request of this event-loop iteration arrived; undefined before that. */
  #iterationAt: number | undefined;
  #flushes = false;
  /** Replies since the last tick. */
  #answered = 0;
  /** When replies were collected last. */
  #now = 0;
  #instance = '';
  #node: OwnerStart['node'];
  #left: (() => void) | undefined;
  #leaving = false;
  /** How many owner threads have died. */
  deaths = 0;

  constructor(options: OwnerHandleOptions) {
    this.#options = options;
    const { meter, onError, shards, queue: size } = options;
    const onReply = (message: number, kind: number, askedAt: number) => {
      // A problem comes at once or after a grace, so its time says nothing about turns and commits.
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

  /** Starts the owner thread. @param instance name of this process. @param node the entry for other nodes; undefined without them. */
  start(instance: string, node?: Omit<NonNullable<OwnerStart['node']>, 'state'>): void {
    this.#instance = instance;
    this.#node = node && { ...node, state: 'joining' };
    this.#begin(this.#queues.links());
  }

  get shards(): number {
    return this.#options.shards;
  }

  stateOf(shard: number): ShardState {
    return this.#states.of(shard);
  }

  /** The shard of an actor. @param key percent-encoded. An invalid key gets some shard: every shard refuses it in the same way. */
  shardOf(message: number, key: string): number {
    const { shards, actors } = this.#options;
    return shards === 1 ? 0 : shardOf(`${actors[message]}/${decodeKey(key) ?? ''}`, shards);
  }

  /** How many shards this process serves: their fences are taken, and commits succeed. */
  get owned(): number {
    return this.#states.owned;
  }

  /** Whether this process owns a shard, and no shard waits for the store. */
  get serving(): boolean {
    return this.#states.settled && this.owned > 0 && this.open;
  }

  /** Whether no shard waits for the store: each is owned by this process, or by another node to which requests are forwarded. */
  get mayForward(): boolean {
    return this.#states.settled && this.#turnsSoon;
  }

  /** Whether other instances own all shards. */
  get standby(): boolean {
    return this.#states.settled && this.owned === 0 && !this.#ended;
  }

  /** Whether requests are taken: the process is not stopping. */
  get open(): boolean {
    return !this.#ended && this.#stopped === undefined;
  }

  /** Whether the owner thread runs its event loop, or is being replaced. */
  get alive(): boolean {
    return !this.#ended && (this.#heartbeat?.alive ?? true);
  }

  /** Whether a request that arrives now gets its turn soon. */
  get ready(): boolean {
    return this.serving && this.#turnsSoon;
  }

  get #turnsSoon(): boolean {
    return this.alive && this.oldestMs <= this.#options.limits.shedAfterMs;
  }

  /** Whether a request to the shard is probably answered by a turn: no other instance owns the shard, and the store is not away. */
  mayServe(shard: number): boolean {
    const state = this.stateOf(shard);
    return !this.#ended && state !== 'away' && state !== 'standby';
  }

  /** How long the oldest request has waited, in milliseconds. */
  get oldestMs(): number {
    return this.#queues.oldestMs(performance.now());
  }

  /** The highest epoch of the fences that this process has taken; 0 before the first. */
  get epoch(): number {
    return this.#states.epoch;
  }

  /** How many requests the owner has answered. */
  get replies(): number {
    return this.#queues.answered;
  }

  /** How many requests the owner has not answered yet. */
  get pending(): number {
    return this.#queues.count;
  }

  /** When a refused client should try again, in seconds: how long the owner needs for the pending requests at its present speed. */
  retryAfterSeconds(): number {
    const seconds = Math.ceil(this.pending / Math.max(1, this.#drain.perSecond));
    return Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS);
  }

  /**
   * Puts a request into the owner's mailbox. The responder is called exactly once, perhaps before this returns.
   *
   * @param message its number.
   * @param key as the client sent it, percent-encoded.
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

  /** As `ask`, when the shard of the actor is known. */
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
    // Refuse also by age: behind a queue that does not move, this request would wait at least as long as the oldest one.
    if (now - (queue.oldestAt ?? now) > this.#options.limits.shedAfterMs)
      return refuse(responder, 'mailbox-full');
    const position = queue.ask(message, key, body, idempotency, responder, now);
    if (position === undefined) return refuse(responder, 'mailbox-full');
    return this.#queues.ticketOf(shard, position);
  }

  /** Answers a question of an operator about the stored actors, also while no fence is taken. Rejects when there is no answer. */
  readStore(question: StoreQuestion): Promise<unknown> {
    if (!this.#thread || this.#ended) return Promise.reject(new Error('no owner thread has begun'));
    return this.#thread.readStore(question);
  }

  /** Says that the client of a request has left. @param ticket from `ask`. */
  withdraw(ticket: number): void {
    this.#queues.withdraw(ticket);
  }

  /** Hands over all shards to other nodes. Resolves when this process owns none. Requests to them are answered `standby` from then on. */
  leave(): Promise<void> {
    if (this.#ended || !this.#thread) return Promise.resolve();
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#leaving = true;
      this.#thread?.leave();
    });
  }

  /** Resolves when all pending requests are answered and committed, and the owner thread has closed its store and ended. */
  stop(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.#queues.publish();
      this.#thread?.stop();
      this.#flushLater();
    });
  }

  /** Ends without waiting. Pending requests are answered `ask-timeout`, since they may have been committed or may be committed later. */
  abandon(reason: string): void {
    if (!this.#ended) this.#end('ask-timeout');
    clearTimeout(this.#loading);
    this.#thread?.end(reason);
    this.#stopped?.();
  }

  /** Terminates the owner thread at once, also in the middle of a turn. */
  crash(reason: string): void {
    const thread = this.#thread;
    if (!thread) return;
    thread.end(reason);
    // A native call that does not return keeps the thread alive, and with it the store open: then the process ends.
    const patienceMs = 2 * (this.#options.limits.watchdogMs || END_PATIENCE_MS);
    setTimeout(() => {
      if (this.#thread !== thread || this.#ended) return;
      this.#end('internal');
      const why = `${reason}, and its thread could not be ended`;
      this.#options.onEvent({ kind: 'fatal', code: 'owner-failing', reason: why });
    }, patienceMs).unref();
  }

  /** Starts the next owner thread. @param shards the link of each shard. */
  #begin(shards: readonly ShardLink[]): void {
    const thread = this.#options.threads.next();
    this.#thread = thread;
    this.#heartbeat = undefined;
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
    // Replies that were released before the event are handed out before it.
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
        // A later thread of this process goes on in the same state, so that other nodes notice no change of threads.
        const own = event.nodes.find(({ instance }) => instance === this.#instance);
        if (own && this.#node) this.#node = { ...this.#node, state: own.state };
        break;
      }
      case 'left':
        this.#left?.();
        break;
      case 'fatal':
        // Some of the pending requests may be committed, and a 503 would promise that none is.
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

  /** Starts a spare thread, after a while: requests that waited for the start come first. */
  #prepareSpareLater(): void {
    setTimeout(() => {
      if (!this.#ended) this.#options.threads.prepareSpare();
    }, SPARE_AFTER_MS).unref();
  }

  /** Watches the heartbeat. Called when the thread has loaded its modules: from then on silence means that it hangs. */
  #watch(): void {
    clearTimeout(this.#loading);
    const { watchdogMs } = this.#options.limits;
    const thread = this.#thread;
    if (watchdogMs === 0 || !thread) return;
    this.#heartbeat = keepHeartbeat({
      words: thread.words,
      own: MAIN_HEARTBEAT,
      other: OWNER_HEARTBEAT,
      silenceMs: watchdogMs,
      onSilence: () => this.crash(`it did not turn for ${watchdogMs} ms`),
    });
  }

  #onExit(reason: string): void {
    clearTimeout(this.#loading);
    this.#heartbeat?.stop();
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
    this.#heartbeat?.stop();
    this.#queues.refuseAll(code);
    this.#left?.();
  }

  #flushLater(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    setImmediate(() => this.#flush());
  }

  /** Runs at the end of an event-loop iteration: makes all of its requests visible to the owner at once, and hands out replies. */
  #flush(): void {
    this.#flushes = false;
    this.#iterationAt = undefined;
    const news = this.#queues.publish();
    if (news > 0) this.#options.meter.batchSizes.record(news);
    const more = this.#collect(this.#options.repliesAtOnce());
    if (!this.#queues.waits || this.#ended) return;
    // Look once more after the next iteration before waiting for the bell: under load the replies have arrived by then.
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

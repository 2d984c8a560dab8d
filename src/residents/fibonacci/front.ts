/**
 * The sequence on the main thread: its routes, and the way from the owner's reply (an index) to the digits in the answer.
 *
 *   request ──> owner ──> index ──> Terms ──> digits ──> response
 *          └ waits here until the digits at the current index are known
 *
 * If a request reached the owner earlier, it would advance the sequence, and its answer could not be rendered. So requests wait, or are refused, until the digits at
 * the current index are known. The front learns that index by a request of its own when an owner begins to serve.
 */
import { endWithProblem } from '../../http/answers.js';
import { idempotencyOf, KEY_RULE } from '../../http/idempotency-key.js';
import type { ResponseContext } from '../../http/response-context.js';
import type { Handler, Method, Route } from '../../http/route.js';
import { counter, gauge, type MetricRow } from '../../meter/metric-row.js';
import type { Mailbox } from '../../runtime/front/mailbox.js';
import type { OwnerEvent } from '../../runtime/front/owner-handle.js';
import type { Responder } from '../../runtime/front/request-queue.js';
import { NUMBER_REPLY } from '../../runtime/link/reply-kind.js';
import type { FrontContext, ResidentFront } from '../resident.js';
import { ConversionPool } from './conversion-pool.js';
import { digitsOf } from './fibonacci.js';
import { CURRENT, KEY, NEXT } from './messages.js';
import { NumberResponse, type Numbers, Wrapping } from './number-response.js';
import { Replays } from './replays.js';
import { type SequencePath, sequenceRoutes } from './routes.js';
import { Terms } from './terms.js';
import { expired, type Waiting } from './waiting.js';

const NOT_ON_GET = 'GET /next takes no Idempotency-Key; POST /next does';
const TICK_MS = 100;
const SECONDS = 1e-3;

/** A request that was not given to the owner yet, or later than it came. */
interface Held extends Waiting {
  readonly message: number;
  readonly idempotency: string;
  readonly mailbox: Mailbox;
}

/** The owner has answered it, and its digits are not at hand. */
interface Unshown extends Waiting {
  readonly index: number;
}

export class FibonacciFront implements ResidentFront, Numbers {
  readonly metrics: readonly MetricRow[];
  readonly #context: FrontContext;
  /** The one of its only actor. */
  readonly #shard: number;
  readonly #pool: ConversionPool;
  readonly #terms: Terms;
  readonly #replays: Replays;
  readonly #tick: NodeJS.Timeout;
  #held: Held[] = [];
  /** Requests that were held before they went to the owner: their time counts from their arrival. */
  #late: Held[] = [];
  #unshown: Unshown[] = [];
  /** A request for the index is under way. */
  #learning = false;
  /** The current index; undefined until an owner has reported it. */
  #index: number | undefined;

  constructor(context: FrontContext) {
    const { config, log } = context;
    this.#context = context;
    this.#shard = context.owner.shardOf(context.firstMessage, KEY);
    this.#pool = new ConversionPool({
      threads: config.formatThreads,
      heapMb: config.formatHeapMb,
      timeoutMs: config.formatTimeoutMs,
      onProgress: (index, step) => log.info({ index, step }, 'computing the first digits'),
      onFailure: ({ code, message }) => log.error({ code }, message),
    });
    this.#terms = new Terms({
      maxIndex: config.maxIndex,
      convert: (index, signal) => this.#pool.convert(index, signal),
      onConversion: (index, tookMs) => {
        if (tookMs === undefined) log.info({ index }, 'computing the first digits');
        else {
          log.info({ index, tookMs: Math.round(tookMs) }, 'ready');
          this.#goOn();
        }
      },
    });
    this.#replays = new Replays((index, signal) => this.#pool.term(index, signal));
    this.metrics = this.#metrics();
    this.#tick = setInterval(() => this.#expire(), Math.min(TICK_MS, config.askTimeoutMs / 4));
    this.#tick.unref();
  }

  routes(responses: ResponseContext, mailbox: Mailbox): readonly Route[] {
    return sequenceRoutes((path, method) => this.#handler(path, method, responses, mailbox));
  }

  get digits(): Terms {
    return this.#terms;
  }

  get ready(): boolean {
    return this.#terms.ready || this.#isElsewhere;
  }

  /** Another node has the sequence, and is asked. */
  get #isElsewhere(): boolean {
    return this.#context.forwards && this.#context.owner.stateOf(this.#shard) === 'standby';
  }

  get waiting(): number {
    return this.#held.length;
  }

  get repliesAtOnce(): number {
    return Math.min(this.#terms.atOnce, this.#context.responses.slowReaders.room);
  }

  figures(): { readonly index: number; readonly digits: number } {
    return { index: this.#index ?? 0, digits: digitsOf(this.#index ?? 0) };
  }

  onOwner(event: OwnerEvent): void {
    if ('shard' in event && event.shard !== this.#shard) return;
    switch (event.kind) {
      case 'serving':
        this.#learnIndex();
        break;
      case 'away':
        this.#askHeld();
        break;
      case 'standby':
        // Another instance moves the sequence.
        this.#terms.forget();
        this.#askHeld();
        break;
      case 'fatal':
      case 'stopped':
        this.#askHeld();
        this.#terms.forget();
        break;
      default:
        break;
    }
  }

  close(): void {
    clearInterval(this.#tick);
    this.#terms.forget();
    this.#replays.close();
  }

  show(index: number, response: NumberResponse): void {
    // The reply to /previous does not tell the current index.
    this.#index = Math.max(this.#index ?? 0, index);
    const behind = this.#unshown.length > 0;
    const span = behind ? undefined : this.#terms.locate(index);
    if (span) {
      response.show(index, span.start, span.end);
      return;
    }
    this.#unshown.push({ index, response, since: performance.now() });
    if (!behind) this.#terms.moveTo(index);
  }

  showAgain(index: number, response: NumberResponse): void {
    const span = index <= (this.#index ?? -1) ? this.#terms.locate(index) : undefined;
    if (span) response.show(index, span.start, span.end);
    else this.#replays.show(index, response);
  }

  #handler(
    { message, member }: SequencePath,
    method: Method,
    responses: ResponseContext,
    mailbox: Mailbox,
  ): Handler {
    const withBody = method !== 'HEAD';
    const { margin } = this.#terms;
    const plain = new Wrapping(`{"${member}": `, '}', margin);
    const quoted = new Wrapping(`{"${member}": "`, '"}', margin);
    return (res, request, counts) => {
      const { query } = request;
      if (query && query !== 'as=string') {
        const detail = 'the only query is ?as=string';
        endWithProblem(res, 'bad-query', responses, withBody, counts, request, { detail });
        return;
      }
      const idempotency = message === NEXT ? idempotencyOf(request) : '';
      if (idempotency === undefined || (idempotency !== '' && method === 'GET')) {
        const detail = idempotency === undefined ? KEY_RULE : NOT_ON_GET;
        endWithProblem(res, 'idempotency-key-invalid', responses, withBody, counts, request, { detail });
        return;
      }
      const admitted = responses.opened();
      const wrapping = query ? quoted : plain;
      const response = new NumberResponse(res, responses, this, wrapping, withBody, counts, request);
      if (!admitted) {
        response.refuse(responses.draining ? 'shutting-down' : 'mailbox-full');
        return;
      }
      try {
        response.namesCommit = message === NEXT;
        this.#ask(message, response, idempotency, mailbox);
      } catch (error) {
        responses.onError(error);
        response.refuse('internal');
      }
    };
  }

  #ask(message: number, response: NumberResponse, idempotency: string, mailbox: Mailbox): void {
    // A refused request does not advance the sequence.
    if (this.#terms.ready || !this.#context.owner.mayServe(this.#shard))
      this.#give(message, response, idempotency, mailbox);
    else if (this.#index === undefined)
      this.#held.push({ message, response, idempotency, mailbox, since: performance.now() });
    else response.refuse('not-ready');
  }

  #give(message: number, response: NumberResponse, idempotency: string, mailbox: Mailbox): void {
    const { firstMessage } = this.#context;
    response.position = mailbox.ask(firstMessage + message, KEY, undefined, response, idempotency);
  }

  /** The owner answers: with a number, or with the reason why there is none. */
  #askHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const one of held) {
      if (!one.response.open) continue;
      this.#give(one.message, one.response, one.idempotency, one.mailbox);
      if (one.response.open) this.#late.push(one);
    }
  }

  #learnIndex(): void {
    const { owner, firstMessage } = this.#context;
    this.#learning = true;
    const learner: Responder = {
      reply: ({ kind, detail }) => {
        this.#learning = false;
        if (kind !== NUMBER_REPLY) return;
        this.#index = detail;
        this.#terms.moveTo(detail);
        if (this.#terms.ready) this.#goOn();
      },
      refuse: () => {
        this.#learning = false;
      },
    };
    owner.ask(firstMessage + CURRENT, KEY, undefined, learner);
  }

  /** The digits are at hand. */
  #goOn(): void {
    const unshown = this.#unshown;
    this.#unshown = [];
    for (const { index, response } of unshown) if (response.open) this.show(index, response);
    if (this.#terms.ready) this.#askHeld();
  }

  #expire(): void {
    const deadline = performance.now() - this.#context.config.askTimeoutMs;
    // These requests have not advanced the sequence.
    this.#held = expired(this.#held, deadline, 'not-ready');
    this.#late = expired(this.#late, deadline, 'ask-timeout');
    this.#unshown = expired(this.#unshown, deadline, 'ask-timeout');
    this.#replays.expire(deadline);
    // It was refused, as in a full queue.
    if (
      this.#context.owner.stateOf(this.#shard) === 'serving' &&
      !this.#terms.ready &&
      !this.#learning &&
      !this.#terms.converting
    )
      this.#learnIndex();
  }

  #metrics(): MetricRow[] {
    const pool = this.#pool;
    return [
      gauge('index', 'Index of the current term.', () => this.figures().index),
      gauge('digits', 'Decimal digits of the current term.', () => this.figures().digits),
      counter(
        'terms_added_total',
        'Numbers computed by adding the two before them.',
        () => this.#terms.added,
      ),
      counter(
        'conversions_total',
        'Conversions to decimal after a start at a large index.',
        () => pool.conversions,
      ),
      counter(
        'conversion_failures_total',
        'Conversions that failed and were tried again.',
        () => pool.failures,
      ),
      counter(
        'conversion_seconds_total',
        'Time spent in conversions that succeeded.',
        () => pool.tookMs * SECONDS,
      ),
    ];
  }
}

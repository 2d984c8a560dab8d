/**
 * One request on its way to the owner of its shard, which may be another node. It looks up the shard, puts the request into the queue of this
 * node or forwards it, and tries again after a while when the other node has not consumed it. Runs on the main thread.
 *
 *   look up the shard ──> here ───────> the queue of this node
 *          ^           └> a peer ─────> answered: relay the answer
 *          │ 20 to 200 ms               not consumed: try again
 *          └───────────────────────────<┤
 *                                       unknown outcome: try again if the request may be repeated, else answer 504
 *
 * The request is answered once. After an unknown outcome it is sent again only if a repetition has no further effect: a query, or a command
 * with an idempotency key. After its deadline it is not sent.
 */
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type * as mailbox from '../runtime/front/mailbox.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { LINK_PROBLEMS, PROBLEM } from '../runtime/link/reply-kind.js';
import type { PeerAnswer } from './peer-answer.js';
import type { PeerRequest } from './peers.js';

/** The wait between two tries: doubled each time, from the first to the last. */
const FIRST_WAIT_MS = 20;
const LAST_WAIT_MS = 200;

/** Another node. */
export interface Peer {
  readonly instance: string;
  readonly address: string;
}

/** Where a shard is, as far as this node knows. */
export type Place = 'here' | Peer | undefined;

/** Receives the answer. */
export type Asker = Omit<mailbox.Asker, 'facts' | 'misdirect'>;

/** What all routed requests of a process share. */
export interface RoutingContext {
  placeOf(shard: number): Place;
  /** The place of a node by its name; undefined when the node is unknown or cannot be reached. */
  find(instance: string): Place;
  send(address: string, request: PeerRequest, ms: number): Promise<PeerAnswer>;
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Calls back after `ms` milliseconds; the result cancels that. */
  after(ms: number, callback: () => void): () => void;
  /** Called with each outcome of a forwarded request. @param ms how long that took, in milliseconds. */
  onForward(answer: PeerAnswer, ms: number): void;
  /** Called when an asker has thrown. */
  onError(error: unknown): void;
}

export interface RoutedRequestOptions {
  readonly shard: number;
  readonly request: PeerRequest;
  /** The message is a query. It has no effect, so it may always be repeated. */
  readonly query: boolean;
  /** On the clock of `RoutingContext.now()`. */
  readonly deadline: number;
  readonly asker: Asker;
  /** Puts the request into the queue of this node. The responder is called once, perhaps before this returns. */
  askHere(responder: Responder): void;
}

export class RoutedRequest implements Responder {
  readonly #context: RoutingContext;
  readonly #options: RoutedRequestOptions;
  #answered = false;
  /** The command was sent to another node, and the outcome is unknown. */
  #unknown = false;
  #waitMs = FIRST_WAIT_MS;
  /** A node's hint about the owner was followed since the last wait. One hint per wait: two nodes may name each other. */
  #followed = false;
  /** Cancels the timer: the deadline in the queue of this node, or the wait before the next try. */
  #cancel: (() => void) | undefined;

  constructor(context: RoutingContext, options: RoutedRequestOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Called once. */
  begin(): void {
    this.#tryAt(this.#context.placeOf(this.#options.shard));
  }

  /** Called by the queue of this node. */
  reply(view: ReplyView, bytes: Buffer): void {
    const code = view.kind === PROBLEM ? LINK_PROBLEMS[view.detail] : undefined;
    // The bytes of these problems say no more than their title, so they are not passed on.
    if (code && PROBLEMS[code].status === 503 && (code === 'standby' || this.#unknown)) this.refuse(code);
    else this.#answer((asker) => asker.reply(view, bytes));
  }

  /** Called by the queue of this node. */
  refuse(code: ProblemCode): void {
    if (this.#answered) return;
    // The shard was handed over before the request had its turn.
    if (code === 'standby') this.#retry(undefined);
    else this.#refuse(code);
  }

  #tryAt(place: Place): void {
    if (this.#hasEnded()) return;
    const left = this.#options.deadline - this.#context.now();
    if (place === undefined) this.#retry(undefined);
    else if (place === 'here') {
      this.#cancel = this.#context.after(left, () => this.#refuse('ask-timeout'));
      this.#options.askHere(this);
    } else void this.#forward(place, left);
  }

  async #forward({ address }: Peer, left: number): Promise<void> {
    const context = this.#context;
    const sentAt = context.now();
    const answer = await context.send(address, this.#options.request, left);
    context.onForward(answer, context.now() - sentAt);
    switch (answer.kind) {
      case 'answered':
        if (answer.status === 503 && this.#unknown) this.#refuse('node-lost');
        else this.#answer((asker) => asker.relay(answer.status, answer.headers, answer.body));
        break;
      case 'not-consumed':
        this.#retry(answer.holder);
        break;
      case 'unknown':
        this.#onUnknown();
        break;
      default:
        answer satisfies never;
    }
  }

  #onUnknown(): void {
    const { query, request, deadline } = this.#options;
    this.#unknown ||= !query;
    if (this.#context.now() >= deadline) this.#refuse('ask-timeout');
    else if (query || request.headers.idempotencyKey !== undefined) this.#retry(undefined);
    else this.#refuse('node-lost');
  }

  /** Tries again: at once where the other node has named the owner, else after a wait. @param holder name of the owner, as the other node said. */
  #retry(holder: string | undefined): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#hasEnded()) return;
    const hint = holder === undefined || this.#followed ? undefined : this.#context.find(holder);
    if (hint) {
      this.#followed = true;
      this.#tryAt(hint);
      return;
    }
    const wait = Math.min(this.#waitMs, this.#options.deadline - this.#context.now());
    this.#waitMs = Math.min(2 * this.#waitMs, LAST_WAIT_MS);
    this.#cancel = this.#context.after(wait, () => {
      this.#cancel = undefined;
      this.#followed = false;
      this.begin();
    });
  }

  /** Whether to stop: the request is answered, its client has left, or its deadline is over, which answers it. */
  #hasEnded(): boolean {
    const { asker, deadline } = this.#options;
    if (this.#answered || !asker.open) return true;
    if (this.#context.now() < deadline) return false;
    this.#refuse('standby');
    return true;
  }

  /** Answers with a problem. A 503 says that the request had no effect: when it may have had one, the answer is `node-lost` instead. */
  #refuse(code: ProblemCode): void {
    const shown = this.#unknown && PROBLEMS[code].status === 503 ? 'node-lost' : code;
    this.#answer((asker) => asker.refuse(shown));
  }

  #answer(give: (asker: Asker) => void): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#cancel?.();
    try {
      give(this.#options.asker);
    } catch (error) {
      this.#context.onError(error);
    }
  }
}

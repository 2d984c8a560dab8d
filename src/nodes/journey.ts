/**
 * The way of one request to the owner of its shard, which may be another node. On the main thread.
 *
 *   look where the shard is ─> here ──────> the queue of this node
 *          ^                └> a peer ────> answered: relay it
 *          │ 20 to 200 ms                   not consumed: the other node has not taken it
 *          └───────────────────────────────<┤
 *                                           unknown: only a request that may be repeated goes on; any other is answered 504
 *
 * The request is answered once. After an unknown outcome it is never sent again, unless a repetition has no further effect: a query, or a command with an
 * idempotency key. After its deadline it is not sent at all.
 */
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type { RelayedHeaders } from '../runtime/front/mailbox.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { LINK_PROBLEMS, PROBLEM } from '../runtime/link/reply-kind.js';
import type { PeerAnswer } from './peer-answer.js';
import type { PeerRequest } from './peers.js';

/** Between two looks, in milliseconds; doubled from the one to the other. */
const FIRST_WAIT_MS = 20;
const LAST_WAIT_MS = 200;

/** Another node. */
export interface Peer {
  readonly instance: string;
  readonly address: string;
}

/** Where a shard is, as far as this node knows. */
export type Place = 'here' | Peer | undefined;

/** Whoever waits for the answer: a response of the front. */
export interface Asker extends Responder {
  /** False when its client has left. */
  readonly open: boolean;
  /** Answers with what another node has answered. */
  relay(status: number, headers: Readonly<RelayedHeaders>, body: Buffer): void;
}

/** What all journeys share. */
export interface Itinerary {
  placeOf(shard: number): Place;
  /** The place of a node by its name, if it is known. */
  find(instance: string): Place;
  send(address: string, request: PeerRequest, ms: number): Promise<PeerAnswer>;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls back after `ms` milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** A request came back from another node. @param ms how long that took. */
  onForward(answer: PeerAnswer, ms: number): void;
  /** An asker threw. */
  onError(error: unknown): void;
}

export interface Travelling {
  readonly shard: number;
  readonly request: PeerRequest;
  /** It never has a lasting effect, so no outcome of it is unknown. */
  readonly query: boolean;
  /** In `Itinerary.now()`. */
  readonly deadline: number;
  readonly asker: Asker;
  /** Puts the request into the queue of this node. It calls the responder once, perhaps before it returns. */
  askHere(responder: Responder): void;
}

export class Journey implements Responder {
  readonly #itinerary: Itinerary;
  readonly #travelling: Travelling;
  #answered = false;
  /** A request was sent, and what came of it is not known. */
  #unknown = false;
  #waitMs = FIRST_WAIT_MS;
  /** A hint was followed since the last wait. Two nodes that name each other are asked slowly. */
  #followed = false;
  /** Bound of a request that is in the queue of this node, or that waits. */
  #cancel: (() => void) | undefined;

  constructor(itinerary: Itinerary, travelling: Travelling) {
    this.#itinerary = itinerary;
    this.#travelling = travelling;
  }

  /** Called once. */
  begin(): void {
    this.#go(this.#itinerary.placeOf(this.#travelling.shard));
  }

  /** From the queue of this node. */
  reply(view: ReplyView, bytes: Buffer): void {
    const code = view.kind === PROBLEM ? LINK_PROBLEMS[view.detail] : undefined;
    // Of these the text says no more than the title.
    if (code && PROBLEMS[code].status === 503 && (code === 'standby' || this.#unknown)) this.refuse(code);
    else this.#answer((asker) => asker.reply(view, bytes));
  }

  /** From the queue of this node. */
  refuse(code: ProblemCode): void {
    if (this.#answered) return;
    // The shard was handed over before the request had its turn.
    if (code === 'standby') this.#goOn(undefined);
    else this.#refuse(code);
  }

  #go(place: Place): void {
    if (this.#hasEnded()) return;
    const left = this.#travelling.deadline - this.#itinerary.now();
    if (place === undefined) this.#goOn(undefined);
    else if (place === 'here') {
      this.#cancel = this.#itinerary.after(left, () => this.#refuse('ask-timeout'));
      this.#travelling.askHere(this);
    } else void this.#send(place, left);
  }

  async #send({ address }: Peer, left: number): Promise<void> {
    const itinerary = this.#itinerary;
    const sentAt = itinerary.now();
    const answer = await itinerary.send(address, this.#travelling.request, left);
    itinerary.onForward(answer, itinerary.now() - sentAt);
    switch (answer.kind) {
      case 'answered':
        if (answer.status === 503 && this.#unknown) this.#refuse('node-lost');
        else this.#answer((asker) => asker.relay(answer.status, answer.headers, answer.body));
        break;
      case 'not-consumed':
        this.#goOn(answer.holder);
        break;
      case 'unknown':
        this.#lost();
        break;
      default:
        answer satisfies never;
    }
  }

  #lost(): void {
    const { query, request, deadline } = this.#travelling;
    this.#unknown ||= !query;
    if (this.#itinerary.now() >= deadline) this.#refuse('ask-timeout');
    else if (query || request.headers.idempotencyKey !== undefined) this.#goOn(undefined);
    else this.#refuse('node-lost');
  }

  /** @param holder as the node said that was asked. */
  #goOn(holder: string | undefined): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#hasEnded()) return;
    const hint = holder === undefined || this.#followed ? undefined : this.#itinerary.find(holder);
    if (hint) {
      this.#followed = true;
      this.#go(hint);
      return;
    }
    const wait = Math.min(this.#waitMs, this.#travelling.deadline - this.#itinerary.now());
    this.#waitMs = Math.min(2 * this.#waitMs, LAST_WAIT_MS);
    this.#cancel = this.#itinerary.after(wait, () => {
      this.#cancel = undefined;
      this.#followed = false;
      this.begin();
    });
  }

  /** Nobody waits for the answer any more, or it is too late to ask for it. */
  #hasEnded(): boolean {
    const { asker, deadline } = this.#travelling;
    if (this.#answered || !asker.open) return true;
    if (this.#itinerary.now() < deadline) return false;
    this.#refuse('standby');
    return true;
  }

  /** A request that may have had an effect gets no answer that says it had none. */
  #refuse(code: ProblemCode): void {
    const shown = this.#unknown && PROBLEMS[code].status === 503 ? 'node-lost' : code;
    this.#answer((asker) => asker.refuse(shown));
  }

  #answer(give: (asker: Asker) => void): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#cancel?.();
    try {
      give(this.#travelling.asker);
    } catch (error) {
      this.#itinerary.onError(error);
    }
  }
}

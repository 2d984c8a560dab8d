/**
 * The queue of unanswered requests of one shard, on the main thread. It outlives owner threads: each gets a link of its own, and a successor
 * gets the requests that its predecessor has not answered, at the same positions.
 */
import assert from 'node:assert/strict';
import type { ProblemCode } from '../../errors.js';
import type { Bells } from '../link/bell.js';
import { FrontLink, type ReplyView } from '../link/front-link.js';
import { type LinkMemory, type LinkSize, linkMemory } from '../link/link-memory.js';
import { BEFORE } from '../link/reply-kind.js';

/** Whoever waits for the reply to a request. Called once. */
export interface Responder {
  /** @param bytes where the text of the reply lies, until this returns. */
  reply(reply: ReplyView, bytes: Buffer): void;
  refuse(code: ProblemCode): void;
}

export interface QueueOptions {
  /** How much may be unanswered, and wait to be sent; the capacity is a power of two. */
  readonly size: LinkSize;
  readonly shard: number;
  /** A request has its reply. @param kind of `reply-kind.ts`. @param askedAt as `ask` was told. */
  readonly onReply: (message: number, kind: number, askedAt: number) => void;
  /** A responder threw. */
  readonly onError: (error: unknown) => void;
}

/** A group that a dead owner was committing. */
export interface PendingGroup {
  readonly id: string;
  /** Position after its last reply. */
  readonly until: number;
}

export class RequestQueue {
  readonly #size: LinkSize;
  readonly #shard: number;
  readonly #onReply: QueueOptions['onReply'];
  readonly #onError: QueueOptions['onError'];
  readonly #responders: (Responder | undefined)[];
  readonly #askedAt: Float64Array;
  readonly #mask: number;
  #link: FrontLink;
  /** The link where the replies of `#pending` are, and that group. */
  #before: FrontLink | undefined;
  #pending: PendingGroup | undefined;
  /** Position of the first request that the owner was not shown yet. */
  #published = 0;
  /** The requests before this position have expired. */
  #expired = 0;
  /** Replies since the start, for the rate. */
  answered = 0;

  /** @param bells of the first owner thread. */
  constructor({ size, shard, onReply, onError }: QueueOptions, bells: Bells) {
    this.#size = size;
    this.#shard = shard;
    this.#onReply = onReply;
    this.#onError = onError;
    this.#mask = size.capacity - 1;
    assert((size.capacity & this.#mask) === 0, 'the capacity is a power of two');
    this.#responders = new Array(size.capacity);
    this.#askedAt = new Float64Array(size.capacity);
    this.#link = this.#newLink(0, bells);
  }

  get link(): FrontLink {
    return this.#link;
  }

  /** Requests that no owner has answered. */
  get count(): number {
    return this.#link.end - this.#link.collected;
  }

  /** When the oldest of them was asked, in milliseconds; undefined when there is none. */
  get oldestAt(): number | undefined {
    return this.count === 0 ? undefined : (this.#askedAt[this.#link.collected & this.#mask] as number);
  }

  /**
   * @param idempotency as `FrontLink.push`.
   * @param now milliseconds, never smaller than at the call before.
   * @returns the position of the request; undefined when there is no room for it.
   */
  ask(
    message: number,
    key: string,
    body: Uint8Array | undefined,
    idempotency: string,
    responder: Responder,
    now: number,
  ): number | undefined {
    const position = this.#link.end;
    if (!this.#link.push(message, key, body, idempotency)) return undefined;
    this.#responders[position & this.#mask] = responder;
    this.#askedAt[position & this.#mask] = now;
    return position;
  }

  /** Its client is gone. A request that the owner was not shown never takes effect; any other takes its turn unheard. */
  withdraw(position: number): void {
    if (position < this.#link.collected) return;
    this.#responders[position & this.#mask] = undefined;
    if (position >= this.#published) this.#link.leaveOut(position);
  }

  /** Shows the new requests to the owner. @returns how many there were. */
  publish(): number {
    const count = this.#link.end - this.#published;
    if (count === 0) return 0;
    this.#published = this.#link.end;
    this.#link.publish();
    return count;
  }

  /**
   * Hands out the replies that were released.
   *
   * @param limit how many, at the most.
   * @returns whether there are more.
   */
  collect(limit = Number.POSITIVE_INFINITY): boolean {
    const link = this.#link;
    const released = link.released();
    const until = Math.min(released, link.collected + limit);
    if (until === link.collected) return false;
    for (let position = link.collected; position < until; position++) this.#handOut(link, position);
    this.answered += until - link.collected;
    link.collect(until);
    if (this.#pending && until >= this.#pending.until) {
      this.#before = undefined;
      this.#pending = undefined;
    }
    return until < released;
  }

  /** Answers what was asked at `deadline` or before; the owner still owes the replies. */
  expire(deadline: number): void {
    let position = Math.max(this.#expired, this.#link.collected);
    while (position < this.#link.end && (this.#askedAt[position & this.#mask] as number) <= deadline) {
      this.#refuse(position++, 'ask-timeout');
    }
    this.#expired = position;
  }

  /**
   * After the death of an owner: a new link, which holds the requests that it has not answered.
   *
   * @param bells of its successor.
   * @returns the memory for that one, and the group that was being committed.
   */
  relink(bells: Bells): { readonly memory: LinkMemory; readonly pending: PendingGroup | undefined } {
    this.collect();
    const dead = this.#link;
    const published = dead.published();
    if (published) {
      this.#pending = { id: published.group, until: published.until };
      this.#before = dead;
    }
    const link = this.#newLink(dead.collected, bells);
    for (let position = dead.collected; position < dead.end; position++) link.pushAgain(dead, position);
    this.#link = link;
    this.#published = link.end;
    link.publish();
    return { memory: link.memory, pending: this.#pending };
  }

  /** Answers a request, and lets no successor take it again. Between the death of an owner and `relink`. */
  leaveOut(position: number, code: ProblemCode): void {
    this.#refuse(position, code);
    this.#link.leaveOut(position);
  }

  messageAt(position: number): number {
    return this.#link.messageAt(position);
  }

  keyAt(position: number): string {
    return this.#link.keyAt(position);
  }

  /** Nobody will answer these any more. */
  refuseAll(code: ProblemCode): void {
    for (let position = this.#link.collected; position < this.#link.end; position++)
      this.#refuse(position, code);
  }

  #handOut(link: FrontLink, position: number): void {
    const responder = this.#responders[position & this.#mask];
    this.#responders[position & this.#mask] = undefined;
    try {
      let from = link;
      let reply = link.read(position);
      if (reply.kind === BEFORE && this.#before) {
        from = this.#before;
        reply = from.read(position);
      }
      this.#onReply(link.messageAt(position), reply.kind, this.#askedAt[position & this.#mask] as number);
      if (reply.kind === BEFORE) responder?.refuse('internal');
      else responder?.reply(reply, from.bytes);
    } catch (error) {
      this.#onError(error);
    }
  }

  #refuse(position: number, code: ProblemCode): void {
    const responder = this.#responders[position & this.#mask];
    this.#responders[position & this.#mask] = undefined;
    try {
      responder?.refuse(code);
    } catch (error) {
      this.#onError(error);
    }
  }

  #newLink(first: number, bells: Bells): FrontLink {
    return new FrontLink(linkMemory(this.#size, { shard: this.#shard, bells, first }));
  }
}

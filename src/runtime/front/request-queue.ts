/**
 * The queue of the unanswered requests of one shard. It outlives owner threads: each owner thread gets a link of its own, and a successor
 * gets the requests that its predecessor has not answered, at the same positions. Main thread only.
 */
import assert from 'node:assert/strict';
import type { ProblemCode } from '../../errors.js';
import type { Bells } from '../link/bell.js';
import { FrontLink, type ReplyView } from '../link/front-link.js';
import { type LinkMemory, type LinkSize, linkMemory } from '../link/link-memory.js';
import { BEFORE } from '../link/reply-kind.js';

/** Receives the reply to a request: one of its methods is called, once. */
export interface Responder {
  /** @param bytes hold the text of the reply, until this returns. */
  reply(reply: ReplyView, bytes: Buffer): void;
  refuse(code: ProblemCode): void;
}

export interface QueueOptions {
  /** The size of each link; the capacity is a power of two. */
  readonly size: LinkSize;
  readonly shard: number;
  /** Called with each reply. @param kind of `reply-kind.ts`. @param askedAt the `now` of its `ask`. */
  readonly onReply: (message: number, kind: number, askedAt: number) => void;
  /** Called when a responder has thrown. */
  readonly onError: (error: unknown) => void;
}

/** The group that an owner thread was committing when it died. */
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
  /** The link of the dead owner thread with the replies of the pending group. */
  #before: FrontLink | undefined;
  #pending: PendingGroup | undefined;
  /** Position of the first request that is not published yet. */
  #published = 0;
  /** The requests before this position have expired. */
  #expired = 0;
  /** Replies since the start. */
  answered = 0;

  /** @param bells shared with the first owner thread. */
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

  /** How many requests are not answered by an owner yet. */
  get count(): number {
    return this.#link.end - this.#link.collected;
  }

  /** When the oldest unanswered request arrived, in milliseconds of `ask`; undefined when there is none. */
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

  /** Says that the client has left. A request that is not published yet never takes effect; any other one takes its turn, and its reply is dropped. */
  withdraw(position: number): void {
    if (position < this.#link.collected) return;
    this.#responders[position & this.#mask] = undefined;
    if (position >= this.#published) this.#link.leaveOut(position);
  }

  /** Makes the new requests visible to the owner. @returns how many there were. */
  publish(): number {
    const count = this.#link.end - this.#published;
    if (count === 0) return 0;
    this.#published = this.#link.end;
    this.#link.publish();
    return count;
  }

  /**
   * Hands the released replies to their responders.
   *
   * @param limit the most replies to hand out.
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

  /** Answers `ask-timeout` to the requests that arrived at `deadline` or before. They keep their places until the owner replies. */
  expire(deadline: number): void {
    let position = Math.max(this.#expired, this.#link.collected);
    while (position < this.#link.end && (this.#askedAt[position & this.#mask] as number) <= deadline) {
      this.#refuse(position++, 'ask-timeout');
    }
    this.#expired = position;
  }

  /**
   * Makes the link for the successor of a dead owner thread, and copies the unanswered requests into it.
   *
   * @param bells shared with the successor.
   * @returns the memory of the new link, and the group that the dead thread was committing.
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

  /** Answers a request, so that no successor takes it again. Only between the death of an owner thread and `relink`. */
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

  /** Answers all requests with this problem. No owner thread follows. */
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

/** The request queues of all shards: makes the links of an owner thread, publishes requests, and collects replies. Main thread only. */
import { awaitBell, type Bells, newBells, REPLY_BELL, ring, rung } from '../link/bell.js';
import { type LinkMemory, TURN } from '../link/link-memory.js';
import { type PendingGroup, type QueueOptions, RequestQueue } from './request-queue.js';

/** What an owner thread gets for a shard. */
export interface ShardLink {
  readonly memory: LinkMemory;
  /** The group that the previous owner thread was committing when it died. */
  readonly pending: PendingGroup | undefined;
}

/** The request whose turn an owner thread was taking when it died. */
export interface Suspect {
  /** The same when the request is taken again. */
  readonly ticket: number;
  readonly queue: RequestQueue;
  readonly position: number;
}

export class RequestQueues {
  readonly #queues: readonly RequestQueue[];
  #bells: Bells = newBells();
  /** The count of the bell when replies were collected last. */
  #heard = 0;
  #waiting = false;
  /** The shard from which `collect` begins. It changes, so that no shard keeps the replies of others back. */
  #first = 0;

  constructor(shards: number, options: Omit<QueueOptions, 'shard'>) {
    this.#queues = Array.from(
      { length: shards },
      (_, shard) => new RequestQueue({ ...options, shard }, this.#bells),
    );
  }

  of(shard: number): RequestQueue {
    return this.#queues[shard] as RequestQueue;
  }

  /** A number for a request, unique over all shards. */
  ticketOf(shard: number, position: number): number {
    return position * this.#queues.length + shard;
  }

  withdraw(ticket: number): void {
    const shard = ticket % this.#queues.length;
    this.of(shard).withdraw((ticket - shard) / this.#queues.length);
  }

  /** How many requests are not answered by an owner yet. */
  get count(): number {
    return this.#queues.reduce((sum, { count }) => sum + count, 0);
  }

  /** Replies since the start. */
  get answered(): number {
    return this.#queues.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Whether some requests are not answered. */
  get waits(): boolean {
    return this.#queues.some(({ count }) => count > 0);
  }

  /** How long the oldest request has waited at this moment, in milliseconds. */
  oldestMs(now: number): number {
    let oldest = 0;
    for (const { oldestAt = now } of this.#queues) oldest = Math.max(oldest, now - oldestAt);
    return oldest;
  }

  /** Makes the new requests visible to the owners. @returns how many there were. */
  publish(): number {
    let news = 0;
    for (const queue of this.#queues) news += queue.publish();
    return news;
  }

  /**
   * Hands the released replies to their responders.
   *
   * @param limit the most replies to hand out.
   * @returns whether there may be more.
   */
  collect(limit: number): boolean {
    this.#heard = rung(this.#bells, REPLY_BELL);
    const { length } = this.#queues;
    let left = limit;
    for (let at = 0; at < length; at++) {
      const shard = (this.#first + at) % length;
      const queue = this.of(shard);
      if (queue.count === 0) continue;
      const before = queue.answered;
      const more = queue.collect(left);
      left -= queue.answered - before;
      if (more || left <= 0) {
        this.#first = (shard + 1) % length;
        return true;
      }
    }
    return false;
  }

  /** Calls back once, when replies were released since the last `collect`; not after the owner thread has ended. */
  awaitReplies(callback: () => void): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const bells = this.#bells;
    awaitBell(bells, REPLY_BELL, this.#heard, () => {
      if (bells !== this.#bells) return;
      this.#waiting = false;
      callback();
    });
  }

  /** Answers `ask-timeout` to the requests that arrived at `deadline` or before. */
  expire(deadline: number): void {
    for (const queue of this.#queues) queue.expire(deadline);
  }

  /** The links of the first owner thread, by shard. */
  links(): ShardLink[] {
    return this.#queues.map(({ link: { memory } }) => ({ memory, pending: undefined }));
  }

  /** The links of the successor of an owner thread that has died, by shard. */
  relink(): ShardLink[] {
    // Ends the wait for the old bell: V8 never frees the memory of a wait that does not end.
    ring(this.#bells, REPLY_BELL);
    this.#bells = newBells();
    this.#waiting = false;
    return this.#queues.map((queue) => queue.relink(this.#bells));
  }

  /** The request whose turn the dead owner thread was taking; undefined when it died between turns. Only before `relink`. */
  suspect(): Suspect | undefined {
    for (const [shard, queue] of this.#queues.entries()) {
      const { collected, memory } = queue.link;
      const turn = memory.words[TURN] as number;
      if (turn === 0) continue;
      const position = collected + ((turn - 1 - collected) & 0x7fff_ffff);
      if (position >= collected) return { ticket: this.ticketOf(shard, position), queue, position };
    }
    return undefined;
  }

  /** Answers all requests with this problem. No owner thread follows. */
  refuseAll(code: Parameters<RequestQueue['refuseAll']>[0]): void {
    for (const queue of this.#queues) queue.refuseAll(code);
  }
}

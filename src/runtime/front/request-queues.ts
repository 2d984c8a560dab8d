/** The queues of all shards, on the main thread: what an owner thread is given at its birth, and how its replies are collected. */
import { awaitBell, type Bells, newBells, REPLY_BELL, ring, rung } from '../link/bell.js';
import { type LinkMemory, TURN } from '../link/link-memory.js';
import { type PendingGroup, type QueueOptions, RequestQueue } from './request-queue.js';

/** What an owner thread gets for a shard. */
export interface ShardLink {
  readonly memory: LinkMemory;
  /** The group that the thread before was committing. */
  readonly pending: PendingGroup | undefined;
}

/** A request whose turn a dead thread was taking. */
export interface Suspect {
  /** Equal for a request that is taken again. */
  readonly ticket: number;
  readonly queue: RequestQueue;
  readonly position: number;
}

export class RequestQueues {
  readonly #queues: readonly RequestQueue[];
  #bells: Bells = newBells();
  /** How often the bell had rung when replies were looked for. */
  #heard = 0;
  #waiting = false;
  /** Where the next collecting begins: no shard keeps the replies of the others back. */
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

  /** Names a request among those of all shards. */
  ticketOf(shard: number, position: number): number {
    return position * this.#queues.length + shard;
  }

  withdraw(ticket: number): void {
    const shard = ticket % this.#queues.length;
    this.of(shard).withdraw((ticket - shard) / this.#queues.length);
  }

  /** Requests that no owner has answered. */
  get count(): number {
    return this.#queues.reduce((sum, { count }) => sum + count, 0);
  }

  /** Replies since the start. */
  get answered(): number {
    return this.#queues.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Some requests are not answered. */
  get waits(): boolean {
    return this.#queues.some(({ count }) => count > 0);
  }

  /** How long the oldest request has waited at this moment, in milliseconds. */
  oldestMs(now: number): number {
    let oldest = 0;
    for (const { oldestAt = now } of this.#queues) oldest = Math.max(oldest, now - oldestAt);
    return oldest;
  }

  /** Shows the new requests to the owners. @returns how many there were. */
  publish(): number {
    let news = 0;
    for (const queue of this.#queues) news += queue.publish();
    return news;
  }

  /**
   * Hands out the replies that were released.
   *
   * @param limit how many, at the most.
   * @returns whether there may be more.
   */
  collect(limit: number): boolean {
    this.#heard = rung(this.#bells, REPLY_BELL);
    const { length } = this.#queues;
    let left = limit;
    for (let turn = 0; turn < length; turn++) {
      const shard = (this.#first + turn) % length;
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

  /** Calls back once, when more was released than the last collecting has seen; not when the owner thread has ended before that. */
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

  /** Answers what was asked at `deadline` or before; the owners still owe the replies. */
  expire(deadline: number): void {
    for (const queue of this.#queues) queue.expire(deadline);
  }

  /** For the first owner thread. @returns by shard. */
  links(): ShardLink[] {
    return this.#queues.map(({ link: { memory } }) => ({ memory, pending: undefined }));
  }

  /** After the death of an owner thread: what its successor gets. @returns by shard. */
  relink(): ShardLink[] {
    // V8 keeps the memory of a wait that never ends.
    ring(this.#bells, REPLY_BELL);
    this.#bells = newBells();
    this.#waiting = false;
    return this.#queues.map((queue) => queue.relink(this.#bells));
  }

  /** Between the death of an owner thread and `relink`. */
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

  /** Nobody will answer what waits. */
  refuseAll(code: Parameters<RequestQueue['refuseAll']>[0]): void {
    for (const queue of this.#queues) queue.refuseAll(code);
  }
}

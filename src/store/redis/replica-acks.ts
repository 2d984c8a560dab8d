/**
 * Waits until replicas have the commits of a connection, by the Redis command `WAIT`. `WAIT` counts the replicas that have everything which the
 * connection wrote before it, so one `WAIT` serves all commits that were sent before. It delays the commands behind it on the connection, so
 * only one is under way at a time, with a short time-out. Runs on the owner thread.
 */
import type { Redis } from 'ioredis';
import type { CommitOutcome } from '../contract.js';

/** Time-out of one `WAIT`, as a share of the command time-out. */
const ONE_SHARE = 1 / 4;
/** For how long further `WAIT`s are sent for one commit, as a share of the command time-out. */
const ALL_SHARE = 1 / 2;

export interface Acknowledged {
  readonly outcome: CommitOutcome;
  /** How many replicas have the commit; 0 unless the outcome is `swapped`. */
  readonly replicas: number;
}

export class ReplicaAcks {
  readonly #client: Redis;
  readonly #wanted: number;
  readonly #timeoutMs: number;
  #current: Promise<number> | undefined;
  /** The next `WAIT`: sent when the current one is answered. */
  #next: Promise<number> | undefined;
  /** The stream that holds back the commits of this event-loop iteration, so that they leave together with their `WAIT`. */
  #corked: Redis['stream'] | undefined;

  /** @param wanted how many replicas must have a commit. @param timeoutMs the command time-out, in milliseconds. */
  constructor(client: Redis, wanted: number, timeoutMs: number) {
    this.#client = client;
    this.#wanted = wanted;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a commit and a `WAIT` behind it; both leave in one write when no other `WAIT` is under way. */
  async commit(send: () => Promise<CommitOutcome>): Promise<Acknowledged> {
    const until = performance.now() + ALL_SHARE * this.#timeoutMs;
    if (!this.#current && !this.#next) {
      this.#corked = this.#client.stream;
      this.#corked.cork();
    }
    const sent = send();
    const first = this.#waitFor();
    // Awaited below, unless the commit fails first: without a handler that would be an unhandled rejection.
    first.catch(() => {});
    const outcome = await sent;
    if (outcome !== 'swapped') return { outcome, replicas: 0 };
    let replicas = await first;
    while (replicas < this.#wanted && performance.now() < until) replicas = await this.#waitFor();
    return { outcome, replicas };
  }

  /** The answer to a `WAIT` that is sent after this call. */
  #waitFor(): Promise<number> {
    this.#next ??= this.#afterCurrent().then(() => {
      this.#next = undefined;
      const wait = this.#send().finally(() => {
        if (this.#current === wait) this.#current = undefined;
      });
      this.#current = wait;
      return wait;
    });
    return this.#next;
  }

  /** Resolves when the current `WAIT` is answered; without one, at the end of this event-loop iteration. */
  #afterCurrent(): Promise<unknown> {
    return this.#current?.catch(() => {}) ?? new Promise<void>((resolve) => process.nextTick(resolve));
  }

  async #send(): Promise<number> {
    const patienceMs = Math.max(1, Math.floor(ONE_SHARE * this.#timeoutMs));
    try {
      const answer = this.#client.call('WAIT', `${this.#wanted}`, `${patienceMs}`);
      this.#corked?.uncork();
      this.#corked = undefined;
      return Number(await answer);
    } catch (cause) {
      // Not a `ReplyError` any more: Redis has refused the `WAIT`, which does not prove that the commit had no effect.
      throw new Error(`WAIT: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
}

/**
 * Waits until replicas have what a connection has committed. `WAIT` counts the replicas that have everything which the connection had written before it, so one
 * serves all commits that were sent before. It holds up whatever comes behind it on the connection: one is under way at a time, and a short one. On the
 * owner thread.
 */
import type { Redis } from 'ioredis';
import type { CommitOutcome } from '../contract.js';

/** Of the time that a command has: how long one `WAIT` may hold up the connection, and until when another one follows. */
const ONE_SHARE = 1 / 4;
const ALL_SHARE = 1 / 2;

export interface Acknowledged {
  readonly outcome: CommitOutcome;
  /** How many replicas have it. Says nothing of a commit that was not carried out. */
  readonly replicas: number;
}

export class ReplicaAcks {
  readonly #client: Redis;
  readonly #wanted: number;
  readonly #timeoutMs: number;
  #current: Promise<number> | undefined;
  /** Is sent when the current one is answered. */
  #next: Promise<number> | undefined;
  /** Holds the commits of this turn back, so that they leave with their `WAIT`. */
  #corked: Redis['stream'] | undefined;

  /** @param timeoutMs that a command may take. */
  constructor(client: Redis, wanted: number, timeoutMs: number) {
    this.#client = client;
    this.#wanted = wanted;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a commit, and right behind it a `WAIT`: in one write, when the connection is idle. */
  async commit(send: () => Promise<CommitOutcome>): Promise<Acknowledged> {
    const until = performance.now() + ALL_SHARE * this.#timeoutMs;
    if (!this.#current && !this.#next) {
      this.#corked = this.#client.stream;
      this.#corked.cork();
    }
    const sent = send();
    const first = this.#waitFor();
    // Heard of below, unless the commit fails first.
    first.catch(() => {});
    const outcome = await sent;
    if (outcome !== 'swapped') return { outcome, replicas: 0 };
    let replicas = await first;
    while (replicas < this.#wanted && performance.now() < until) replicas = await this.#waitFor();
    return { outcome, replicas };
  }

  /** The answer to a `WAIT` that is sent after now. */
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

  /** Before the end of the turn in which a commit was sent, or when the current one is answered. */
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
      // What is refused here is not the commit: nothing says that it was not carried out.
      throw new Error(`WAIT: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
}

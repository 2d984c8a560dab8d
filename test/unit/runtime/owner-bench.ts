/** An owner on the test's own store and clock, and all that it said. */

import { CURRENT, fibonacci, NEXT, PREVIOUS } from '../../../src/residents/fibonacci/fibonacci.js';
import type { OwnerClock } from '../../../src/runtime/owner-clock.js';
import { OwnerLoop, type OwnerOptions } from '../../../src/runtime/owner-loop.js';
import { decodeReply, type FromOwner, VITAL_SIGNS } from '../../../src/runtime/protocol.js';
import { FakeClock } from './fake-clock.js';
import { HeldStore } from './held-store.js';

export const COMMIT_TIMEOUT_MS = 1_000;
export const STORE_GRACE_MS = 500;

const MESSAGES = { next: NEXT, current: CURRENT, previous: PREVIOUS };

export type Word = keyof typeof MESSAGES;

export class OwnerBench {
  readonly clock: FakeClock;
  /** The owner's store, unless it was given another one. */
  readonly store: HeldStore;
  readonly posts: FromOwner[] = [];
  readonly vitalSigns = new Int32Array(VITAL_SIGNS);
  readonly owner: OwnerLoop;

  /** @param options.ownerClock the clock as the owner sees it, when that differs from the one that passes the time. */
  constructor(options: Partial<OwnerOptions> & { clock?: FakeClock; ownerClock?: OwnerClock } = {}) {
    this.clock = options.clock ?? new FakeClock();
    this.store = new HeldStore();
    this.owner = new OwnerLoop({
      behavior: fibonacci(1_000_000),
      durability: 'gated',
      writer: 'this process',
      instance: 'this instance',
      process: '',
      isDead: () => false,
      resume: undefined,
      freshState: async () => ({ state: 0, origin: 'fresh' }),
      mailboxLimit: 64,
      commitTimeoutMs: COMMIT_TIMEOUT_MS,
      storeGraceMs: STORE_GRACE_MS,
      vitalSigns: this.vitalSigns,
      post: (message) => this.posts.push(message),
      store: this.store,
      ...options,
      clock: options.ownerClock ?? this.clock,
    });
  }

  /** An owner that has its state and serves; from here on the store holds every call. */
  static async serving(options: ConstructorParameters<typeof OwnerBench>[0] = {}): Promise<OwnerBench> {
    const bench = new OwnerBench(options);
    void bench.owner.start();
    await turn();
    bench.store.automatic = undefined;
    bench.posts.length = 0;
    return bench;
  }

  async deliver(...words: Word[]): Promise<void> {
    this.owner.deliver(Uint8Array.from(words.map((word) => MESSAGES[word])));
    await turn();
  }

  /** What a dead owner had not answered. */
  async deliverAgain(...words: Word[]): Promise<void> {
    this.owner.deliverAgain(Uint8Array.from(words.map((word) => MESSAGES[word])));
    await turn();
  }

  async answer(fate?: Parameters<HeldStore['answer']>[0], at?: number): Promise<void> {
    this.store.answer(fate, at);
    await turn();
  }

  advance(ms: number): Promise<void> {
    return advance(this.clock, ms);
  }

  /** Answers that have left, batch by batch, and the kinds of all else, since the last look. */
  heard(): unknown[] {
    const posts = this.posts.splice(0);
    return posts.map((post) => (post.kind === 'replies' ? [...post.replies].map(decodeReply) : post.kind));
  }

  /** What waits for the store's word. */
  get waiting(): string[] {
    return this.store.held.map(({ kind }) => kind);
  }
}

/** Lets time pass timer by timer, as an event loop would. */
export async function advance(clock: FakeClock, ms: number): Promise<void> {
  const until = clock.now() + ms;
  while (clock.nextDueAt <= until) {
    clock.advance(clock.nextDueAt - clock.now());
    await turn();
  }
  clock.advance(until - clock.now());
}

/** Lets everything run that waits for nothing but its turn. */
export async function turn(): Promise<void> {
  for (let at = 0; at < 24; at++) await null;
}

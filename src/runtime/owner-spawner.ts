/**
 * Where owner threads come from. To load an owner's modules takes longer than the rest of a recovery, so while one owner
 * serves, a spare has them loaded and waits. It takes over when that one dies; without a spare a new thread does, later.
 */
import { Worker } from 'node:worker_threads';
import type { StoreConfig } from '../store/open-store.js';
import { createChannel } from './channel.js';
import type { OwnerSetup } from './owner-setup.js';
import { OwnerThread } from './owner-thread.js';

const ENTRY = new URL('../../workers/owner.js', import.meta.url);

/** What a thread is told at its birth. */
export interface OwnerBirth {
  /** Which store it will be asked to open. */
  readonly store: StoreConfig['kind'];
}

export class OwnerSpawner {
  readonly #birth: OwnerBirth;
  readonly #heapMb: number;
  #spare: Worker | undefined;

  /** @param heapMb heap limit of a thread, in MiB. */
  constructor(birth: OwnerBirth, heapMb: number) {
    this.#birth = birth;
    this.#heapMb = heapMb;
  }

  spawn(setup: Omit<OwnerSetup, 'channel'>): OwnerThread {
    const worker = this.#spare?.removeAllListeners() ?? this.#begin();
    this.#spare = undefined;
    worker.ref();
    const channel = createChannel(setup.mailboxLimit);
    worker.postMessage({ ...setup, channel } satisfies OwnerSetup);
    // One death may not be the last: at once, or owners that die faster than one loads would never come to serve.
    if (setup.resume) this.prepareSpare();
    return new OwnerThread(worker, channel);
  }

  /** Begins a spare, if there is none. */
  prepareSpare(): void {
    if (this.#spare) return;
    const spare = this.#begin();
    const forget = () => {
      if (this.#spare === spare) this.#spare = undefined;
    };
    // Nobody waits for it yet, so nobody needs to hear of its end.
    spare.once('error', forget).once('exit', forget).unref();
    this.#spare = spare;
  }

  #begin(): Worker {
    return new Worker(ENTRY, {
      name: 'owner',
      workerData: this.#birth,
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMb, maxYoungGenerationSizeMb: 12 },
    });
  }
}

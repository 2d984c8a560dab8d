/**
 * Where owner threads come from. To load an owner's modules takes longer than the rest of a recovery, so while one owner
 * serves, a spare has them loaded and waits. It takes over when that one dies; without a spare a new thread does, later.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import type { StoreConfig } from '../store/open-store.js';
import { createChannel } from './channel.js';
import type { OwnerSetup } from './owner-setup.js';
import { OwnerThread } from './owner-thread.js';
import { VITAL_SIGNS } from './protocol.js';

const ENTRY = new URL('../../workers/owner.js', import.meta.url);

/** What a thread is told at its birth. */
export interface OwnerBirth {
  /** Which store it will be asked to open. */
  readonly store: StoreConfig['kind'];
  readonly vitalSigns: Int32Array;
}

interface Born {
  readonly worker: Worker;
  readonly vitalSigns: Int32Array;
}

export class OwnerSpawner {
  readonly #store: StoreConfig['kind'];
  readonly #heapMb: number;
  readonly #onSpareDeath: (reason: string) => void;
  #spare: Born | undefined;

  /**
   * @param heapMb heap limit of a thread, in MiB.
   * @param onSpareDeath a thread has died while it waited for its reign, of which no owner handle hears.
   */
  constructor(store: StoreConfig['kind'], heapMb: number, onSpareDeath: (reason: string) => void) {
    this.#store = store;
    this.#heapMb = heapMb;
    this.#onSpareDeath = onSpareDeath;
  }

  spawn(setup: Omit<OwnerSetup, 'channel'>): OwnerThread {
    const { worker, vitalSigns } = this.#spare ?? this.#begin();
    this.#spare = undefined;
    worker.ref();
    const channel = createChannel(setup.mailboxLimit);
    worker.postMessage({ ...setup, channel } satisfies OwnerSetup);
    // One death may not be the last: at once, or owners that die faster than one loads would never come to serve.
    if (setup.resume) this.prepareSpare();
    return new OwnerThread(worker, vitalSigns, channel);
  }

  /** Begins a spare, if there is none. */
  prepareSpare(): void {
    if (this.#spare) return;
    this.#spare = this.#begin();
    this.#spare.worker.unref();
  }

  #begin(): Born {
    const vitalSigns = new Int32Array(new SharedArrayBuffer(VITAL_SIGNS * Int32Array.BYTES_PER_ELEMENT));
    const worker = new Worker(ENTRY, {
      name: 'owner',
      workerData: { store: this.#store, vitalSigns } satisfies OwnerBirth,
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMb, maxYoungGenerationSizeMb: 12 },
    });
    const born = { worker, vitalSigns };
    let reason: string | undefined;
    worker.on('error', (error) => {
      reason = messageOf(error);
    });
    worker.once('exit', (code) => {
      if (this.#spare !== born) return;
      this.#spare = undefined;
      this.#onSpareDeath(reason ?? `its thread ended with code ${code}`);
    });
    return born;
  }
}

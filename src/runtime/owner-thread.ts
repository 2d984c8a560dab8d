/** The owner thread as the main thread sees it: a worker, and this side of the channel to it. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { type Channel, readFromOwner, type Words, writeToOwner } from './channel.js';
import type { FromOwner, ToOwner } from './protocol.js';
import { RingReader, RingWriter } from './ring.js';

interface OwnerThreadEvents {
  message: [FromOwner];
  error: [unknown];
  /** After the last message. */
  exit: [code: number];
}

export class OwnerThread extends EventEmitter<OwnerThreadEvents> {
  /** Shared with the thread from its birth on. */
  readonly vitalSigns: Int32Array;
  readonly #worker: Worker;
  readonly #toOwner: RingWriter;
  readonly #fromOwner: RingReader;
  /** Delivered by the port; their turn comes when the ring has come to their mark. */
  readonly #words: Words[] = [];

  constructor(worker: Worker, vitalSigns: Int32Array, { toOwner, fromOwner }: Channel) {
    super();
    this.vitalSigns = vitalSigns;
    this.#worker = worker;
    this.#toOwner = new RingWriter(toOwner);
    this.#fromOwner = new RingReader(fromOwner);
    worker.on('message', (words: Words) => {
      this.#words.push(words);
      this.collect();
    });
    worker.on('error', (error) => this.emit('error', error));
    // Node delivers what the thread had posted before it reports the exit.
    worker.once('exit', (code) => {
      this.collect();
      this.#fromOwner.endWait();
      this.emit('exit', code);
    });
  }

  post(message: ToOwner): void {
    writeToOwner(this.#toOwner, message);
  }

  /** Emits the messages that are there. */
  collect(): void {
    for (;;) {
      const message = readFromOwner(this.#fromOwner, () => this.#words.shift());
      if (!message) return;
      this.emit('message', message);
    }
  }

  /** Calls back once, when there is more than `collect` has last seen, or never will be. */
  wait(callback: () => void): void {
    this.#fromOwner.wait(callback);
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }
}

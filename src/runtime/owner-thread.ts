/** The owner thread as the main thread sees it: a worker, and this side of the channel to it. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { type Channel, type Replies, readFromOwner, type Words, writeToOwner } from './channel.js';
import type { FromOwner, ToOwner } from './protocol.js';
import { RingReader, RingWriter } from './ring.js';

interface OwnerThreadEvents {
  message: [FromOwner];
  error: [unknown];
  /** After the last message. */
  exit: [code: number];
}

/** How long replies are left alone when none may be emitted, in milliseconds. */
const REST_MS = 5;

export class OwnerThread extends EventEmitter<OwnerThreadEvents> {
  /** Shared with the thread from its birth on. */
  readonly vitalSigns: Int32Array;
  /** How many replies may be emitted before the event loop turns again. Those of a batch may be emitted in parts. */
  repliesAtOnce: () => number = () => Number.POSITIVE_INFINITY;
  readonly #worker: Worker;
  readonly #toOwner: RingWriter;
  readonly #fromOwner: RingReader;
  /** Delivered by the port; their turn comes when the ring has come to their mark. */
  readonly #words: Words[] = [];
  /** What is left of a batch of which a part was emitted. */
  #rest: Replies | undefined;
  /** A later turn of the event loop emits what is left. Until then the ring is not looked at. */
  #resting = false;
  /** To be called back after that. */
  readonly #waiting: (() => void)[] = [];

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
      // A successor gets what is not replied to, so no reply may be left.
      this.#emitUpTo(Number.POSITIVE_INFINITY);
      this.#fromOwner.endWait();
      this.emit('exit', code);
    });
  }

  post(message: ToOwner): void {
    writeToOwner(this.#toOwner, message);
  }

  /** Emits the messages that are there, or a part of them now and the rest soon. */
  collect(): void {
    if (!this.#resting) this.#emitUpTo(this.repliesAtOnce());
  }

  #emitUpTo(limit: number): void {
    let left = limit;
    while (left > 0) {
      const message = this.#rest ?? readFromOwner(this.#fromOwner, () => this.#words.shift());
      this.#rest = undefined;
      if (!message) return;
      if (message.kind !== 'replies') {
        this.emit('message', message);
        continue;
      }
      const { replies } = message;
      if (replies.length > left) this.#rest = { ...message, replies: replies.subarray(left) };
      this.emit('message', this.#rest ? { ...message, replies: replies.subarray(0, left) } : message);
      left -= replies.length;
    }
    this.#resting = true;
    if (limit > 0) setImmediate(() => this.#goOn());
    else setTimeout(() => this.#goOn(), REST_MS);
  }

  #goOn(): void {
    this.#resting = false;
    this.collect();
    const waiting = this.#waiting.splice(0);
    for (const callback of waiting) callback();
  }

  /** Calls back once, when there is more than `collect` has last seen, or never will be. */
  wait(callback: () => void): void {
    // The ring would call back at once, and again and again, as long as what is there is not read.
    if (this.#resting) this.#waiting.push(callback);
    else this.#fromOwner.wait(callback);
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }
}

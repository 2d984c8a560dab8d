/**
 * Starts owner threads, and keeps a spare. Loading the modules takes longer than the rest of a recovery, so while one owner thread serves, a
 * spare thread has its modules loaded and waits to become the owner. Main thread only.
 */
import { Worker } from 'node:worker_threads';
import type { NodeEntry } from '../../store/node-entry.js';
import { LOADING, THREAD_WORDS } from '../link/thread-words.js';
import type { FromOwner } from '../owner/events.js';
import type { StoreQuestion } from '../owner/store-reader.js';
import type { ShardLink } from './request-queues.js';

const ENTRY = new URL('../../../workers/owner.js', import.meta.url);
/** How long to wait with the end of a thread that loads its modules. */
const PATIENCE_MS = 5_000;
const POLL_MS = 1;

/** What a thread gets when it becomes the owner. */
export interface OwnerStart {
  /** By shard. */
  readonly links: readonly (ShardLink & {
    /** Whether the previous owner thread owned the shard. */
    readonly owned: boolean;
  })[];
  /** INSTANCE_ID: the name of the process. */
  readonly instance: string;
  /** The entry of this node for other nodes; undefined when no other process can reach the store. */
  readonly node: Pick<NodeEntry, 'address' | 'version' | 'actors' | 'state'> | undefined;
}

export interface ReadStore {
  readonly kind: 'read-store';
  readonly id: number;
  readonly question: StoreQuestion;
}

export interface StoreAnswer {
  readonly kind: 'store-answer';
  readonly id: number;
  readonly answer: unknown;
  /** Why there is no answer. */
  readonly failure: string | undefined;
}

export type ToOwner =
  | { readonly kind: 'start'; readonly start: OwnerStart }
  | { readonly kind: 'leave' }
  | { readonly kind: 'stop' }
  | ReadStore;

export interface OwnerThreadHandlers {
  readonly onEvent: (event: FromOwner) => void;
  /** The thread has ended. Called once, after the last event. */
  readonly onExit: (reason: string) => void;
}

interface WaitingAnswer {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const OWNER_GONE = 'the owner thread has ended; ask again';

/** A thread that is, or may become, the owner. */
export class OwnerThread {
  /** Shared with the thread; its indexes are in `link/thread-words.ts`. */
  readonly words = new Int32Array(new SharedArrayBuffer(THREAD_WORDS * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  /** Questions without an answer, by id. */
  readonly #waiting = new Map<number, WaitingAnswer>();
  #questions = 0;
  #handlers: OwnerThreadHandlers | undefined;
  #reason = '';
  #ended = false;
  /** Called when the thread has ended before `start`. */
  onEarlyDeath: (reason: string) => void = () => {};

  constructor(workerData: object, heapMb: number) {
    this.words[LOADING] = 1;
    this.#worker = new Worker(ENTRY, {
      name: 'owner',
      workerData: { ...workerData, words: this.words },
      ...withoutInputType(process.execArgv),
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 12 },
    });
    this.#worker.on('message', (event: FromOwner | StoreAnswer) => {
      if (event.kind === 'store-answer') this.#onAnswer(event);
      else this.#handlers?.onEvent(event);
    });
    this.#worker.on('error', (error) => {
      this.#reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    });
    this.#worker.once('exit', (code) => {
      this.#ended = true;
      const reason = this.#reason || `the thread has ended with code ${code}`;
      for (const { reject } of this.#waiting.values()) reject(new Error(OWNER_GONE));
      this.#waiting.clear();
      if (this.#handlers) this.#handlers.onExit(reason);
      else this.onEarlyDeath(reason);
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why the thread has ended; empty when that is unknown. */
  get reason(): string {
    return this.#reason;
  }

  /** Lets the process end although this thread runs, as long as it is a spare. */
  wait(): void {
    this.#worker.unref();
  }

  start(start: OwnerStart, handlers: OwnerThreadHandlers): void {
    this.#handlers = handlers;
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'start', start } satisfies ToOwner);
  }

  /** Tells the thread to hand over all shards; its event `left` is the answer. */
  leave(): void {
    this.#worker.postMessage({ kind: 'leave' } satisfies ToOwner);
  }

  stop(): void {
    this.#worker.postMessage({ kind: 'stop' } satisfies ToOwner);
  }

  /** Sends a question about the stored actors, which the thread answers between turns. Rejects when it cannot be answered. */
  readStore(question: StoreQuestion): Promise<unknown> {
    if (this.#ended) return Promise.reject(new Error(OWNER_GONE));
    return new Promise((resolve, reject) => {
      const id = this.#questions++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'read-store', id, question } satisfies ToOwner);
    });
  }

  /** Terminates the thread, once it has loaded its modules: Node aborts the process when a thread ends while it loads a native module. */
  end(reason: string): void {
    this.#reason ||= reason;
    const giveUpAt = performance.now() + PATIENCE_MS;
    const attempt = () => {
      if (Atomics.load(this.words, LOADING) === 1 && performance.now() < giveUpAt)
        setTimeout(attempt, POLL_MS);
      else void this.#worker.terminate();
    };
    attempt();
  }

  #onAnswer({ id, answer, failure }: StoreAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(failure));
  }

  /** Blocks until the thread has loaded its modules. Called before the process exits, which ends every thread. */
  awaitLoaded(): void {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!this.#ended && Atomics.load(this.words, LOADING) === 1 && performance.now() < giveUpAt) {
      Atomics.wait(this.words, LOADING, 1, POLL_MS);
    }
  }
}

export class OwnerThreads {
  readonly #workerData: object;
  readonly #heapMb: number;
  #spare: OwnerThread | undefined;
  #all = new Set<OwnerThread>();
  #closed = false;
  /** Called when a spare thread has died. */
  onSpareDeath: (reason: string) => void = () => {};

  /** @param workerData what every owner thread gets when it is created. @param heapMb heap limit of a thread, in MiB. */
  constructor(workerData: object, heapMb: number) {
    this.#workerData = workerData;
    this.#heapMb = heapMb;
  }

  /** The spare, or a new thread. */
  next(): OwnerThread {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare && !spare.ended ? spare : this.#begin();
  }

  prepareSpare(): void {
    if (this.#closed || (this.#spare && !this.#spare.ended)) return;
    const spare = this.#begin();
    spare.wait();
    spare.onEarlyDeath = (reason) => {
      if (!this.#closed) this.onSpareDeath(reason);
    };
    this.#spare = spare;
  }

  /** Ends the spare, and starts no other one. */
  close(): void {
    this.#closed = true;
    this.#spare?.end('it is not needed any more');
    this.#spare = undefined;
  }

  awaitLoaded(): void {
    for (const thread of this.#all) thread.awaitLoaded();
  }

  #begin(): OwnerThread {
    for (const thread of this.#all) if (thread.ended) this.#all.delete(thread);
    const thread = new OwnerThread(this.#workerData, this.#heapMb);
    this.#all.add(thread);
    return thread;
  }
}

/** Removes the options of a program that is given as text (`node --input-type=module -e …`): a worker inherits them, and cannot run a file with them. */
function withoutInputType(execArgv: readonly string[]): { readonly execArgv?: string[] } {
  if (!execArgv.some((option) => option.startsWith('--input-type'))) return {};
  const alone = /^--(input-type|eval|print)=/;
  const withText = /^(--input-type|-e|--eval|-p|-pe|--print)$/;
  return {
    execArgv: execArgv.filter(
      (option, at) => !alone.test(option) && !withText.test(option) && !withText.test(execArgv[at - 1] ?? ''),
    ),
  };
}

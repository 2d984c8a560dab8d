/**
 * Ends an owner thread from outside without ending the process, or before the process ends. A native module that is being loaded, or is about to throw, in a
 * thread under termination has nobody to throw to, and Node aborts the whole process (N-API, `napi_throw`). And a thread
 * that ends between begin and commit of a transaction takes the write lock with it. So the thread marks those stretches, and
 * whoever ends it waits for the end of one; the thread starts none any more once its end is ordered.
 *
 *     owner: UNSAFE_TO_END = 1, then look at END_ORDERED         main: END_ORDERED = 1, then look at UNSAFE_TO_END
 *
 * Both stores are sequentially consistent, so at least one side sees the other's.
 */
import type { Worker } from 'node:worker_threads';
import { END_ORDERED, UNSAFE_TO_END } from './protocol.js';

const POLL_MS = 1;

/** Owner side: runs `call` to its end before the thread can be ended. Not for anything asynchronous. */
export function uninterrupted<T>(vitalSigns: Int32Array, call: () => T): T {
  Atomics.store(vitalSigns, UNSAFE_TO_END, 1);
  if (Atomics.load(vitalSigns, END_ORDERED) === 1) awaitEnd(vitalSigns);
  try {
    return call();
  } finally {
    Atomics.store(vitalSigns, UNSAFE_TO_END, 0);
  }
}

/** Owner side: its modules are loaded. It is born with the mark. */
export function safeToEnd(vitalSigns: Int32Array): void {
  Atomics.store(vitalSigns, UNSAFE_TO_END, 0);
}

/**
 * Main side.
 *
 * @param patienceMs a thread that hangs in a native call is ended after this time all the same, whatever comes of it.
 */
export function endThread(
  worker: Pick<Worker, 'terminate'>,
  vitalSigns: Int32Array,
  patienceMs: number,
): void {
  Atomics.store(vitalSigns, END_ORDERED, 1);
  const giveUpAt = performance.now() + patienceMs;
  const attempt = () => {
    if (Atomics.load(vitalSigns, UNSAFE_TO_END) === 1 && performance.now() < giveUpAt)
      setTimeout(attempt, POLL_MS);
    else void worker.terminate();
  };
  attempt();
}

/** Main side, when the process is about to exit, which ends every thread: blocks until that is safe, or `patienceMs` are over. */
export function endBeforeExit(vitalSigns: Int32Array, patienceMs: number): void {
  Atomics.store(vitalSigns, END_ORDERED, 1);
  const giveUpAt = performance.now() + patienceMs;
  while (Atomics.load(vitalSigns, UNSAFE_TO_END) === 1 && performance.now() < giveUpAt)
    Atomics.wait(vitalSigns, UNSAFE_TO_END, 1, POLL_MS);
}

/** Nothing wakes it but the end of the thread. */
function awaitEnd(vitalSigns: Int32Array): void {
  Atomics.store(vitalSigns, UNSAFE_TO_END, 0);
  for (;;) Atomics.wait(vitalSigns, END_ORDERED, 1);
}

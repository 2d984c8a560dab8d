/** A thread is ended between its uninterruptible stretches, and enters none any more once its end is ordered. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { END_ORDERED, UNSAFE_TO_END, VITAL_SIGNS } from '../../../src/runtime/protocol.js';
import { endBeforeExit, endThread, safeToEnd, uninterrupted } from '../../../src/runtime/safe-end.js';

const GOT_IN = VITAL_SIGNS;

function signs(): Int32Array {
  return new Int32Array(new SharedArrayBuffer((VITAL_SIGNS + 1) * Int32Array.BYTES_PER_ELEMENT));
}

/** Resolves when it is ended. */
function thread() {
  let ended: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let terminated = false;
  const terminate = () => {
    terminated = true;
    ended();
  };
  return {
    over,
    worker: { terminate } as unknown as Worker,
    get terminated() {
      return terminated;
    },
  };
}

t.test('a stretch is marked while it lasts, also when it throws', async (t) => {
  const vitalSigns = signs();
  t.equal(
    uninterrupted(vitalSigns, () => vitalSigns[UNSAFE_TO_END]),
    1,
  );
  t.equal(vitalSigns[UNSAFE_TO_END], 0);
  t.throws(() =>
    uninterrupted(vitalSigns, () => {
      throw new Error('within');
    }),
  );
  t.equal(vitalSigns[UNSAFE_TO_END], 0);
});

t.test('a thread outside of a stretch is ended at once', async (t) => {
  const vitalSigns = signs();
  const one = thread();
  endThread(one.worker, vitalSigns, 60_000);
  t.ok(one.terminated);
  t.equal(vitalSigns[END_ORDERED], 1);
});

t.test('a thread within a stretch is ended when that is over', async (t) => {
  const vitalSigns = signs();
  vitalSigns[UNSAFE_TO_END] = 1;
  const one = thread();
  endThread(one.worker, vitalSigns, 60_000);
  t.equal(vitalSigns[END_ORDERED], 1, 'it is told at once');
  await delay(20);
  t.notOk(one.terminated);
  safeToEnd(vitalSigns);
  await one.over;
});

t.test('a stretch that never ends is no shelter', async (t) => {
  const vitalSigns = signs();
  vitalSigns[UNSAFE_TO_END] = 1;
  const one = thread();
  endThread(one.worker, vitalSigns, 50);
  t.notOk(one.terminated, 'it has its time');
  await one.over;
});

t.test('a thread whose end is ordered enters no stretch, and can be ended', async (t) => {
  const vitalSigns = signs();
  vitalSigns[END_ORDERED] = 1;
  vitalSigns[UNSAFE_TO_END] = 1;
  const worker = new Worker(new URL('./fixtures/enters-late.js', import.meta.url), {
    workerData: vitalSigns,
    execArgv: [],
  });
  // As long as it is loading the mark stands; it takes the mark away to be ended.
  endThread(worker, vitalSigns, 60_000);
  await once(worker, 'exit');
  t.equal(vitalSigns[GOT_IN], 0);
});

t.test('an exit waits for the end of a stretch in another thread, and lets none begin', async (t) => {
  const vitalSigns = signs();
  vitalSigns[UNSAFE_TO_END] = 1;
  const worker = new Worker(new URL('./fixtures/enters-late.js', import.meta.url), {
    workerData: vitalSigns,
    execArgv: [],
  });
  endBeforeExit(vitalSigns, 60_000);
  t.equal(vitalSigns[UNSAFE_TO_END], 0);
  t.equal(vitalSigns[GOT_IN], 0);
  await worker.terminate();
});

t.test('an exit waits no longer than it has patience', async (t) => {
  const vitalSigns = signs();
  vitalSigns[UNSAFE_TO_END] = 1;
  endBeforeExit(vitalSigns, 50);
  t.equal(vitalSigns[UNSAFE_TO_END], 1);
});

/**
 * What it costs to send a batch of messages to the owner thread and to get the replies back, by size of the batch: the protocol of
 * src/runtime/protocol.ts, with an owner that answers at once. Beside it the bare way there and back (one number), and
 * one message per envelope, as an actor without batches would send it. The same file is both threads.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { FromOwner, ToOwner } from '../../src/runtime/protocol.js';
import { compare, type Way } from '../comparison.js';

const BATCH_SIZES = [1, 10, 100, 1000];
const ROUNDS = 7;
/** Batches per round, one after the other; fewer of the large ones. */
const BATCHES = 2000;
const MAX_ENVELOPES = 100_000;
const ACKNOWLEDGED = { epoch: 1, version: 1, state: 1 };

interface Ask {
  readonly slot: number;
}

async function measure(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  for (const size of BATCH_SIZES) {
    const batches = Math.min(BATCHES, MAX_ENVELOPES / size);
    const way = (name: string, send: () => void, answers: number): Way => ({
      name,
      run: () => timed(worker, batches, size, send, answers),
    });
    await compare(`Round trip to the owner thread, ${size} envelopes a batch`, 'ns/envelope', ROUNDS, [
      way('bare: one number there, one back', () => worker.postMessage(0), 1),
      way(
        'batch, as Warren',
        () => worker.postMessage({ kind: 'asks', messages: new Uint8Array(size) } satisfies ToOwner),
        1,
      ),
      way(
        'one message per envelope',
        () => {
          for (let slot = 0; slot < size; slot++) worker.postMessage({ slot } satisfies Ask);
        },
        size,
      ),
    ]);
  }
  await worker.terminate();
}

/** Nanoseconds per envelope; the next batch goes when the last one is answered. */
function timed(
  worker: Worker,
  batches: number,
  size: number,
  send: () => void,
  answers: number,
): Promise<number> {
  return new Promise((resolve) => {
    let left = batches;
    let open = answers;
    const begin = performance.now();
    const onMessage = () => {
      open -= 1;
      if (open > 0) return;
      open = answers;
      left -= 1;
      if (left > 0) {
        send();
        return;
      }
      worker.off('message', onMessage);
      resolve(((performance.now() - begin) * 1e6) / (batches * size));
    };
    worker.on('message', onMessage);
    send();
  });
}

function echo(): void {
  parentPort?.on('message', (message: ToOwner | Ask | number) => {
    if (typeof message === 'number' || 'slot' in message) {
      parentPort?.postMessage(message);
    } else if (message.kind === 'asks') {
      const replies = new Float64Array(message.messages.length);
      parentPort?.postMessage({ kind: 'replies', replies, acknowledged: ACKNOWLEDGED } satisfies FromOwner);
    }
  });
}

if (isMainThread) await measure();
else echo();

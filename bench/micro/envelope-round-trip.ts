/**
 * What it costs to send a batch of messages to the owner thread and to get the replies back, by size of the batch: the channel of
 * src/runtime/channel.ts, with an owner that answers at once. Beside it one message of the port per batch, the bare way
 * there and back (one number), and one message per envelope, as an actor without batches would send it. Each batch waits
 * for the one before, so both threads sleep in between: under load nobody has to be woken. The same file is both threads.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  type Channel,
  createChannel,
  readFromOwner,
  readToOwner,
  writeReplies,
  writeToOwner,
} from '../../src/runtime/channel.js';
import type { FromOwner, ToOwner } from '../../src/runtime/protocol.js';
import { RingReader, RingWriter } from '../../src/runtime/ring.js';
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
  const channel = createChannel(Math.max(...BATCH_SIZES));
  const worker = new Worker(new URL(import.meta.url), { workerData: channel });
  for (const size of BATCH_SIZES) {
    const batches = Math.min(BATCHES, MAX_ENVELOPES / size);
    const asks = (): ToOwner => ({ kind: 'asks', messages: new Uint8Array(size) });
    const byPort = (name: string, send: () => void, answers: number): Way => ({
      name,
      run: () => timedByPort(worker, batches, size, send, answers),
    });
    await compare(`Round trip to the owner thread, ${size} envelopes a batch`, 'ns/envelope', ROUNDS, [
      byPort('bare: one number there, one back', () => worker.postMessage(0), 1),
      { name: 'batch by the ring, as Warren', run: () => timedByRing(channel, batches, size, asks) },
      byPort('batch by the port', () => worker.postMessage(asks()), 1),
      byPort(
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
function timedByPort(
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

/** Likewise. */
function timedByRing(
  { toOwner, fromOwner }: Channel,
  batches: number,
  size: number,
  asks: () => ToOwner,
): Promise<number> {
  const writer = new RingWriter(toOwner);
  const reader = new RingReader(fromOwner);
  return new Promise((resolve) => {
    let left = batches;
    const begin = performance.now();
    const turn = () => {
      let message = readFromOwner(reader, () => undefined);
      for (; message; message = readFromOwner(reader, () => undefined)) {
        left -= 1;
        if (left > 0) writeToOwner(writer, asks());
      }
      if (left > 0) reader.wait(turn);
      else resolve(((performance.now() - begin) * 1e6) / (batches * size));
    };
    writeToOwner(writer, asks());
    turn();
  });
}

function echo({ toOwner, fromOwner }: Channel): void {
  const reader = new RingReader(toOwner);
  const writer = new RingWriter(fromOwner);
  const answer = ({ length }: Uint8Array) =>
    ({ kind: 'replies', replies: new Float64Array(length), acknowledged: ACKNOWLEDGED }) as const;
  const receive = () => {
    for (const message of readToOwner(reader)) {
      if (message.kind === 'asks') writeReplies(writer, answer(message.messages));
    }
    reader.wait(receive);
  };
  receive();
  parentPort?.on('message', (message: ToOwner | Ask | number) => {
    if (typeof message === 'number' || 'slot' in message) parentPort?.postMessage(message);
    else if (message.kind === 'asks') parentPort?.postMessage(answer(message.messages) satisfies FromOwner);
  });
}

if (isMainThread) await measure();
else echo(workerData as Channel);

/**
 * What mailbox, turns and gate cost in the owner thread, by size of the batch: `OwnerLoop` on the store that forgets, gated and
 * async, beside a bare loop that counts. Nothing crosses a thread here, and no store is waited for.
 */

import { fibonacci, NEXT } from '../../src/residents/fibonacci/fibonacci.js';
import { OwnerLoop } from '../../src/runtime/owner-loop.js';
import { type FromOwner, VITAL_SIGNS } from '../../src/runtime/protocol.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { compare, type Way } from '../comparison.js';

const BATCH_SIZES = [1, 10, 100, 1000];
const ROUNDS = 7;
const ENVELOPES = 20_000;
const MAILBOX = 16_384;

for (const size of BATCH_SIZES) {
  const batches = ENVELOPES / size;
  await compare(`Turns and gate, ${size} envelopes a batch`, 'ns/envelope', ROUNDS, [
    bare(size, batches),
    await owner('async', size, batches),
    await owner('gated', size, batches),
  ]);
}

function bare(size: number, batches: number): Way {
  let state = 0;
  let shown = 0;
  return {
    name: 'bare: a loop that counts',
    run: async () => {
      const begin = performance.now();
      for (let batch = 0; batch < batches; batch++) {
        const messages = new Uint8Array(size).fill(NEXT);
        const replies = new Float64Array(messages.length);
        for (let at = 0; at < messages.length; at++) {
          if (messages[at] === NEXT) state += 1;
          replies[at] = state;
        }
        shown += replies.at(-1) ?? 0;
      }
      if (shown < 0) throw new Error('an engine must not leave the loop out');
      return ((performance.now() - begin) * 1e6) / (batches * size);
    },
  };
}

async function owner(durability: 'gated' | 'async', size: number, batches: number): Promise<Way> {
  let expected = 0;
  let settled: () => void = () => {};
  const behavior = fibonacci(Number.MAX_SAFE_INTEGER);
  const loop = new OwnerLoop({
    behavior,
    store: new MemoryStore(behavior.actor),
    durability,
    writer: 'bench',
    instance: 'bench',
    process: '',
    isDead: () => false,
    resume: undefined,
    freshState: async () => ({ state: 0, origin: 'fresh' }),
    mailboxLimit: MAILBOX,
    commitTimeoutMs: 1000,
    storeGraceMs: 1000,
    vitalSigns: new Int32Array(new SharedArrayBuffer(VITAL_SIGNS * Int32Array.BYTES_PER_ELEMENT)),
    post: (message: FromOwner) => {
      if (message.kind !== 'replies') return;
      expected -= message.replies.length;
      if (expected === 0) settled();
    },
    clock: {
      after(ms, callback) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      now: () => performance.now(),
      wall: () => Date.now(),
    },
  });
  await loop.start();
  return {
    name: `OwnerLoop, ${durability}`,
    run: async () => {
      const begin = performance.now();
      for (let batch = 0; batch < batches; batch++) {
        expected = size;
        const answered = new Promise<void>((resolve) => {
          settled = resolve;
        });
        loop.deliver(new Uint8Array(size).fill(NEXT));
        if (expected > 0) await answered;
      }
      return ((performance.now() - begin) * 1e6) / (batches * size);
    },
  };
}

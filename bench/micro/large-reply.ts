/**
 * From how many bits on a reply with a bigint is better encoded on another thread: the time that the owner thread is busy with it, by its size,
 * when it encodes the reply itself, and when it hands it over. Its latency, too: a reply that is handed over always takes longer by two crossings.
 */
import { ReplyEncoder } from '../../src/runtime/owner/reply-encoder.js';
import { replyText } from '../../src/runtime/reply-text.js';
import { check } from '../../src/runtime/values.js';
import { compare } from '../comparison.js';

const ROUNDS = 7;
const BITS = [2, 4, 8, 16, 32, 64, 256].map((kibi) => kibi * 1024);

const encoder = new ReplyEncoder({ heapMb: 64, timeoutMs: 60_000 });

for (const bits of BITS) {
  const reply = check({ big: 2n ** BigInt(bits) - 1n }, 'reply');
  const times = Math.max(3, Math.floor(2 ** 20 / bits));
  await compare(`A reply of ${bits / 1024} Ki bits, time of the owner thread`, 'µs', ROUNDS, [
    { name: 'encoded by the owner', run: async () => busy(times, async () => replyText(reply)) },
    { name: 'handed over', run: async () => busy(times, () => encoder.encode(reply)) },
  ]);
}

/** Time that this thread does not wait, for each call, in µs. */
async function busy(times: number, call: () => Promise<string>): Promise<number> {
  await call();
  const before = performance.eventLoopUtilization();
  const idle = before.idle;
  const begin = performance.now();
  for (let time = 0; time < times; time++) await call();
  const took = performance.now() - begin;
  const waited = performance.eventLoopUtilization().idle - idle;
  return ((took - waited) * 1000) / times;
}

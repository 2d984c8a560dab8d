/** Numbers from one thread to another: all of them, in order, batch by batch, and whoever waits is woken. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { type RingMemory, RingReader, RingWriter, ringMemory } from '../../../src/runtime/ring.js';
import { SeededRandom } from '../../support/seeded-random.js';

/** Both ends count to here, and on from -2^31. */
const LAST_COUNT = 2 ** 31 - 1;

function takeAll(reader: RingReader): number[] {
  const numbers = Array.from({ length: reader.look() }, () => reader.take());
  reader.release();
  return numbers;
}

function startingAt(count: number, capacity: number): RingMemory {
  const memory = ringMemory(capacity);
  memory.ends.fill(count);
  return memory;
}

class Calls {
  count = 0;
  readonly back = () => {
    this.count += 1;
  };
}

t.test('what is pushed is there after it is published, all at once', async (t) => {
  const memory = ringMemory(8);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  for (const value of [1, -2, 2 ** 53 - 1]) writer.push(value);
  t.equal(reader.look(), 0);
  t.throws(() => reader.take(), /nothing is there/);
  writer.publish();
  t.throws(() => reader.take(), /nothing is there/, 'nor does it show before a look');
  t.equal(reader.look(), 3);
  t.equal(reader.peek(), 1);
  t.strictSame(takeAll(reader), [1, -2, 2 ** 53 - 1]);
  t.equal(reader.look(), 0);
});

for (const start of [0, LAST_COUNT - 3, -3]) {
  t.test(`it goes round and round from count ${start}`, async (t) => {
    const memory = startingAt(start, 5);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    for (let round = 0; round < 40; round++) {
      const batch = Array.from({ length: round % 9 }, (_, i) => 100 * round + i);
      for (const value of batch) writer.push(value);
      writer.publish();
      t.strictSame(takeAll(reader), batch);
    }
  });

  t.test(
    `it takes no more than its capacity from count ${start}, until some of it is released`,
    async (t) => {
      const memory = startingAt(start, 8);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      for (let value = 0; value < 8; value++) writer.push(value);
      t.throws(() => writer.push(8), /overflowed/);
      writer.publish();
      t.equal(reader.look(), 8);
      t.equal(reader.take(), 0);
      t.throws(() => writer.push(8), /overflowed/, 'taken is not yet given back');
      reader.release();
      writer.push(8);
      writer.publish();
      t.strictSame(takeAll(reader), [1, 2, 3, 4, 5, 6, 7, 8]);
    },
  );
}

t.test('whoever waits is called back once', async (t) => {
  const memory = ringMemory(8);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  const [first, second] = [new Calls(), new Calls()];
  reader.wait(first.back);
  reader.wait(second.back);
  await new Promise(setImmediate);
  t.equal(first.count, 0, 'not before there is something');
  writer.push(1);
  writer.publish();
  writer.push(2);
  writer.publish();
  t.equal(first.count, 0, 'and not from within');
  while (first.count === 0) await new Promise(setImmediate);
  await new Promise(setImmediate);
  t.strictSame([first.count, second.count], [1, 0]);
  t.strictSame(takeAll(reader), [1, 2]);
});

t.test('what was published since the last look is not slept over', async (t) => {
  const memory = ringMemory(8);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  t.equal(reader.look(), 0);
  writer.push(1);
  writer.publish();
  const woken = new Calls();
  reader.wait(woken.back);
  t.equal(woken.count, 0, 'not from within');
  await Promise.resolve().then(() => {});
  await new Promise(setImmediate);
  t.equal(woken.count, 1);
});

t.test('what the last look has shown and nobody took is nothing new', async (t) => {
  const memory = ringMemory(8);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  writer.push(1);
  writer.publish();
  t.equal(reader.look(), 1);
  const woken = new Calls();
  reader.wait(woken.back);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  t.equal(woken.count, 0);
  writer.push(2);
  writer.publish();
  while (woken.count === 0) await new Promise(setImmediate);
  t.strictSame(takeAll(reader), [1, 2]);
});

t.test('a wait can be ended, and then begun anew', async (t) => {
  const memory = ringMemory(8);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  const [first, second] = [new Calls(), new Calls()];
  reader.wait(first.back);
  reader.endWait();
  while (first.count === 0) await new Promise(setImmediate);
  t.equal(reader.look(), 0);
  reader.wait(second.back);
  writer.push(1);
  writer.publish();
  while (second.count === 0) await new Promise(setImmediate);
  t.strictSame([first.count, second.count], [1, 1]);
});

t.test('between two threads, 200,000 numbers come there and back in order', async (t) => {
  const random = new SeededRandom(4711);
  const memories = [ringMemory(1024), startingAt(LAST_COUNT - 50_000, 1024)] as const;
  const worker = new Worker(new URL('./fixtures/ring-echo.js', import.meta.url), {
    workerData: memories,
    execArgv: [],
  });
  const exited = once(worker, 'exit');
  const [writer, reader] = [new RingWriter(memories[0]), new RingReader(memories[1])];
  const total = 200_000;
  let sent = 0;
  let received = 0;
  let wrong = 0;
  await new Promise<void>((done) => {
    const turn = () => {
      for (const value of takeAll(reader)) wrong += value === received++ ? 0 : 1;
      const batch = Math.min(random.between(0, 100), total - sent, 900 - (sent - received));
      for (let i = 0; i < batch; i++) writer.push(sent++);
      if (batch > 0) writer.publish();
      if (received === total) done();
      else if (batch > 0 && random.next() < 0.5) setImmediate(turn);
      else if (sent > received) reader.wait(turn);
      else setImmediate(turn);
    };
    turn();
  });
  t.strictSame({ received, wrong }, { received: total, wrong: 0 });
  writer.push(-1);
  writer.publish();
  await exited;
});

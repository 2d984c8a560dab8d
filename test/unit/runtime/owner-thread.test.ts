/** The owner thread as the main thread sees it, with a worker that the test plays. */
import { EventEmitter } from 'node:events';
import type { MessagePort, Worker } from 'node:worker_threads';
import t from 'tap';
import { createChannel } from '../../../src/runtime/channel.js';
import { sendBy } from '../../../src/runtime/owner-port.js';
import { OwnerThread } from '../../../src/runtime/owner-thread.js';
import { type FromOwner, VITAL_SIGNS } from '../../../src/runtime/protocol.js';

const replied = (...replies: number[]): FromOwner => ({
  kind: 'replies',
  replies: Float64Array.from(replies),
  acknowledged: { epoch: 1, version: 1, state: 1 },
});
const away: FromOwner = { kind: 'away', reason: 'gone' };
const standby: FromOwner = { kind: 'standby', reason: 'another reigns' };

function play() {
  const channel = createChannel(16);
  const worker = new EventEmitter();
  const thread = new OwnerThread(worker as Worker, new Int32Array(VITAL_SIGNS), channel);
  const heard: unknown[] = [];
  thread.on('message', (message) => heard.push(message));
  thread.on('error', (error) => heard.push(error));
  thread.on('exit', (code) => heard.push(code));
  /** Posted, and not delivered yet. */
  const inPort: unknown[] = [];
  let closed = false;
  const port = {
    on: () => {},
    postMessage: (message: unknown) => inPort.push(message),
    close: () => {
      closed = true;
    },
  };
  return {
    thread,
    heard,
    worker,
    post: sendBy(channel, port as unknown as MessagePort),
    deliver: () => worker.emit('message', inPort.shift()),
    portClosed: () => closed,
  };
}

t.test('messages are emitted in the order of their posts, by ring or by port', async (t) => {
  const { thread, heard, post, deliver } = play();
  post(replied(1));
  post(away);
  post(replied(2));
  post(standby);
  post(replied(3));
  t.strictSame(heard, [], 'not before they are collected');
  thread.collect();
  t.strictSame(heard, [replied(1)], 'the rest waits for the port');
  deliver();
  t.strictSame(heard, [replied(1), away, replied(2)]);
  deliver();
  t.strictSame(heard, [replied(1), away, replied(2), standby, replied(3)]);
});

t.test('an early delivery collects what was posted before it', async (t) => {
  const { heard, post, deliver } = play();
  post(replied(1));
  post(away);
  deliver();
  t.strictSame(heard, [replied(1), away]);
});

t.test('what a thread has posted before its end is emitted before its end', async (t) => {
  const { heard, post, worker } = play();
  post(replied(1, 2));
  const error = new Error('the last word');
  worker.emit('error', error);
  worker.emit('exit', 1);
  t.strictSame(heard, [error, replied(1, 2), 1]);
});

t.test('whoever waits for a thread that has ended is told', async (t) => {
  const { thread, worker } = play();
  const told = new Promise<void>((resolve) => thread.wait(resolve));
  worker.emit('exit', 1);
  await t.resolves(told);
});

t.test('stopped is the last word of a port', async (t) => {
  const { post, portClosed } = play();
  post(away);
  t.notOk(portClosed());
  post({ kind: 'stopped' });
  t.ok(portClosed());
});

t.test('a large batch is emitted in parts, with the event loop turning in between', async (t) => {
  const { thread, heard, post } = play();
  thread.repliesAtOnce = () => 2;
  post(replied(1, 2, 3));
  post(replied(4));
  post(replied(5));
  thread.collect();
  t.strictSame(heard, [replied(1, 2)]);
  thread.collect();
  t.strictSame(heard, [replied(1, 2)], 'not before its turn');
  await new Promise(setImmediate);
  t.strictSame(heard.slice(1), [replied(3), replied(4)]);
  await new Promise(setImmediate);
  t.strictSame(heard.slice(3), [replied(5)]);
});

t.test(
  'whoever waits while a batch is emitted in parts is told after the next one, and only once',
  async (t) => {
    const { thread, heard, post } = play();
    thread.repliesAtOnce = () => 1;
    post(replied(1, 2));
    thread.collect();
    post(replied(3));
    let told = 0;
    thread.wait(() => {
      told += 1;
    });
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    t.equal(told, 0, 'not at once: the event loop would never turn again');
    await new Promise(setImmediate);
    t.strictSame([told, heard], [1, [replied(1), replied(2)]]);
  },
);

t.test('while no reply may be settled none is emitted, and afterwards all are', async (t) => {
  const { thread, heard, post } = play();
  let atOnce = 0;
  thread.repliesAtOnce = () => atOnce;
  post(replied(1, 2));
  thread.collect();
  await new Promise(setImmediate);
  t.strictSame(heard, []);
  const emitted = new Promise((resolve) => thread.once('message', resolve));
  atOnce = 2;
  await emitted;
  t.strictSame(heard, [replied(1, 2)]);
});

t.test('the end of a thread waits for no turn: all of its replies come first', async (t) => {
  const { thread, heard, post, worker } = play();
  thread.repliesAtOnce = () => 1;
  post(replied(1, 2, 3));
  thread.collect();
  worker.emit('exit', 1);
  t.strictSame(heard, [replied(1), replied(2, 3), 1]);
  await new Promise(setImmediate);
  t.equal(heard.length, 3);
});

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

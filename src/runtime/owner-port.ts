/** The owner thread's side of the channel: what connects an `OwnerLoop` to its thread. */
import type { MessagePort } from 'node:worker_threads';
import { type Channel, readToOwner, writeMark, writeReplies } from './channel.js';
import type { OwnerLoop } from './owner-loop.js';
import type { FromOwner } from './protocol.js';
import { RingReader, RingWriter } from './ring.js';

/** @returns what posts to the main thread; `stopped` is the last, and lets the thread end. */
export function sendBy(channel: Channel, port: MessagePort): (message: FromOwner) => void {
  const ring = new RingWriter(channel.fromOwner);
  // Nothing is received by it, but it keeps the thread alive.
  port.on('message', () => {});
  return (message) => {
    if (message.kind === 'replies') {
      writeReplies(ring, message);
      return;
    }
    port.postMessage(message);
    writeMark(ring);
    if (message.kind === 'stopped') port.close();
  };
}

export function receiveBy(channel: Channel, owner: OwnerLoop): void {
  const ring = new RingReader(channel.toOwner);
  const receive = () => {
    for (const message of readToOwner(ring)) {
      switch (message.kind) {
        case 'asks':
          owner.deliver(message.messages);
          break;
        case 'asks-again':
          owner.deliverAgain(message.messages);
          break;
        case 'stop':
          owner.stop();
          break;
        default:
          throw new Error(`unknown message to the owner: ${JSON.stringify(message satisfies never)}`);
      }
    }
    ring.wait(receive);
  };
  receive();
}

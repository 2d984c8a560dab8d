/** The owner thread's end of its port, and the clock of the real world: what connects an `OwnerLoop` to its thread. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { OwnerClock, OwnerLoop } from './owner-loop.js';
import type { ToOwner } from './protocol.js';

export const OWNER_CLOCK: OwnerClock = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  now: () => performance.now(),
};

/** Hands over what comes, all that is there at a time: batch by batch, each would get a commit of its own. */
export function receiveFrom(port: MessagePort, owner: OwnerLoop): void {
  port.on('message', (first: ToOwner) => {
    const batches: Uint8Array[] = [];
    let stop = false;
    for (let message: ToOwner | undefined = first; message; message = receiveMessageOnPort(port)?.message) {
      switch (message.kind) {
        case 'asks':
          batches.push(message.messages);
          break;
        case 'asks-again':
          owner.deliverAgain(message.messages);
          break;
        case 'stop':
          stop = true;
          break;
        default:
          throw new Error(`unknown message to the owner: ${JSON.stringify(message satisfies never)}`);
      }
    }
    const [only] = batches;
    if (only) owner.deliver(batches.length === 1 ? only : Buffer.concat(batches));
    if (stop) owner.stop();
  });
}

/**
 * Thread entry of the owner: wires behavior, store and loop to the port, and beats its pulse. Everything of interest is
 * in the parts.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { watchLoop } from '../src/meter/loop-gauge.js';
import { OwnerMeter } from '../src/meter/owner-meter.js';
import { OwnerLoop } from '../src/runtime/owner-loop.js';
import type { OwnerSetup } from '../src/runtime/owner-setup.js';
import { MAIN_PULSE, OWNER_PULSE, type ToOwner } from '../src/runtime/protocol.js';
import { keepPulse } from '../src/runtime/pulse.js';
import { obey } from '../src/runtime/rehearsal.js';
import { safeToEnd, uninterrupted } from '../src/runtime/safe-end.js';
import { fibonacci } from '../src/sequence/fibonacci.js';
import { inheritedIndex } from '../src/sequence/inherited-index.js';
import { MeteredStore } from '../src/store/metered-store.js';
import { openStore } from '../src/store/open-store.js';

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const setup = workerData as OwnerSetup;
const { vitalSigns, watchdogMs } = setup;

// Nothing inside a process can end a main thread that hangs, except another thread with a signal.
keepPulse({
  vitalSigns,
  own: OWNER_PULSE,
  other: MAIN_PULSE,
  silenceMs: watchdogMs,
  onSilence: () => process.kill(process.pid, 'SIGKILL'),
});

const meter = new OwnerMeter(setup.meterMemory);
watchLoop(meter.loop);

const behavior = fibonacci(setup.maxIndex);
const bareStore = await openStore(behavior.actor, setup.store, {
  timeoutMs: setup.commitTimeoutMs,
  instance: setup.instance,
  uninterrupted: (call) => uninterrupted(vitalSigns, call),
});
safeToEnd(vitalSigns);
const store = new MeteredStore(setup.rehearsal ? obey(setup.rehearsal, bareStore) : bareStore, meter);
const owner = new OwnerLoop({
  behavior,
  store,
  durability: setup.durability,
  writer: setup.writer,
  resume: setup.resume,
  freshState: async () => {
    const state = inheritedIndex(await store.predecessor());
    return state === undefined
      ? { state: setup.initialIndex, origin: 'fresh' }
      : { state, origin: 'predecessor' };
  },
  mailboxLimit: setup.mailboxLimit,
  commitTimeoutMs: setup.commitTimeoutMs,
  storeGraceMs: setup.storeGraceMs,
  vitalSigns,
  post: (message) => {
    if (message.kind === 'replies') meter.addTurns(message.replies.length);
    port.postMessage(message);
    if (message.kind === 'stopped') port.close();
  },
  clock: {
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    now: () => performance.now(),
  },
});

// All batches that have come during a commit are taken at once: one by one, each would get a commit of its own.
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
await owner.start();

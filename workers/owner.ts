/**
 * Thread entry of the owner: waits for its reign, then wires behavior, store and loop to the port, and beats its pulse.
 * Everything of interest is in the parts.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { watchLoop } from '../src/meter/loop-gauge.js';
import { OwnerMeter } from '../src/meter/owner-meter.js';
import { fibonacci } from '../src/residents/fibonacci/fibonacci.js';
import { inheritedIndex } from '../src/residents/fibonacci/inherited-index.js';
import { OWNER_CLOCK } from '../src/runtime/owner-clock.js';
import { OwnerLoop } from '../src/runtime/owner-loop.js';
import { receiveBy, sendBy } from '../src/runtime/owner-port.js';
import type { OwnerSetup } from '../src/runtime/owner-setup.js';
import type { OwnerBirth } from '../src/runtime/owner-spawner.js';
import { isProvenDead, processMark } from '../src/runtime/process-mark.js';
import { MAIN_PULSE, OWNER_PULSE } from '../src/runtime/protocol.js';
import { keepPulse } from '../src/runtime/pulse.js';
import { obey } from '../src/runtime/rehearsal.js';
import { MeteredStore } from '../src/store/metered-store.js';
import { loadStore, openStore } from '../src/store/open-store.js';

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const { store: storeKind, vitalSigns } = workerData as OwnerBirth;
await loadStore(storeKind);
const [setup] = (await once(port, 'message')) as [OwnerSetup];
const { channel, watchdogMs } = setup;

// Nothing inside a process can end a main thread that hangs, except another thread with a signal. Whoever stops that thread
// with a debugger turns the watchdog off.
if (watchdogMs > 0) {
  keepPulse({
    vitalSigns,
    own: OWNER_PULSE,
    other: MAIN_PULSE,
    silenceMs: watchdogMs,
    onSilence: () => process.kill(process.pid, 'SIGKILL'),
  });
}

const meter = new OwnerMeter(setup.meterMemory);
watchLoop(meter.loop);

const behavior = fibonacci(setup.maxIndex);
const bareStore = await openStore(behavior.actor, setup.store, {
  timeoutMs: setup.commitTimeoutMs,
});
const store = new MeteredStore(setup.rehearsal ? obey(setup.rehearsal, bareStore) : bareStore, meter);
const send = sendBy(channel, port);
const owner = new OwnerLoop({
  ...setup,
  vitalSigns,
  behavior,
  store,
  process: processMark(),
  isDead: isProvenDead,
  freshState: async () => {
    const state = inheritedIndex(await store.predecessor());
    return state === undefined
      ? { state: setup.initialIndex, origin: 'fresh' }
      : { state, origin: 'predecessor' };
  },
  post: (message) => {
    if (message.kind === 'replies') meter.addTurns(message.replies.length);
    send(message);
  },
  clock: OWNER_CLOCK,
});

receiveBy(channel, owner);
await owner.start();

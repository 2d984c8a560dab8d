/** Thread entry of an owner: loads the actors, waits for its link, then wires behaviors, store and loop. Everything of interest is in the parts. */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { ToOwner } from '../src/runtime/front/owner-threads.js';
import { OwnerLink } from '../src/runtime/link/owner-link.js';
import { LOADING, MAIN_HEARTBEAT, OWNER_HEARTBEAT } from '../src/runtime/link/thread-words.js';
import { loadActors } from '../src/runtime/load-actors.js';
import { DefinedBehavior } from '../src/runtime/owner/defined-behavior.js';
import { Owner } from '../src/runtime/owner/owner.js';
import type { OwnerSetup } from '../src/runtime/owner/owner-setup.js';
import { RepairLog } from '../src/runtime/owner/repair-log.js';
import { ReplyEncoder } from '../src/runtime/owner/reply-encoder.js';
import type { ServedMessage } from '../src/runtime/owner/served.js';
import { OWNER_CLOCK } from '../src/runtime/owner-clock.js';
import { isProvenDead } from '../src/runtime/process-mark.js';
import { keepPulse } from '../src/runtime/pulse.js';
import { openActorStore } from '../src/store/open-actor-store.js';

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const { words, setup } = workerData as { words: Int32Array; setup: OwnerSetup };

const definitions = await loadActors(setup.modules);
const store = await openActorStore(setup.store, setup.commitTimeoutMs);
Atomics.store(words, LOADING, 0);
Atomics.notify(words, LOADING);

const encoder = new ReplyEncoder(setup.encoder);
const messages: ServedMessage[] = definitions.flatMap((definition) => {
  const behavior = new DefinedBehavior(definition, setup.limits, (large) => encoder.encode(large));
  return definition.messageList.map((_, message) => ({ behavior, message }));
});

let owner: Owner | undefined;
port.on('message', (message: ToOwner) => {
  switch (message.kind) {
    case 'start':
      owner = begin(message.start);
      return;
    case 'stop':
      owner?.stop();
      return;
    default:
      throw new Error(`unknown message to the owner: ${JSON.stringify(message satisfies never)}`);
  }
});

function begin({ memory, pending }: Extract<ToOwner, { kind: 'start' }>['start']): Owner {
  port?.postMessage({ kind: 'loaded' });
  // Nothing inside a process can end a main thread that hangs, except another thread with a signal.
  if (setup.watchdogMs > 0) {
    keepPulse({
      vitalSigns: words,
      own: OWNER_HEARTBEAT,
      other: MAIN_HEARTBEAT,
      silenceMs: setup.watchdogMs,
      onSilence: () => {
        if (setup.ownsProcess) process.kill(process.pid, 'SIGKILL');
      },
    });
  }
  const link = new OwnerLink(memory);
  const started = new Owner({
    ...setup,
    link,
    store,
    messages,
    clocks: OWNER_CLOCK,
    isDead: isProvenDead,
    repair: new RepairLog(setup.repairMemory),
    randomId: () => randomBytes(16).toString('hex'),
    firstChanges: async () => [],
    predecessor: pending,
    post: (event) => {
      port?.postMessage(event);
      if (event.kind === 'stopped' || event.kind === 'fatal') port?.close();
    },
    onFailure: (message, failure) => port?.postMessage({ kind: 'behavior-failed', message, failure }),
  });
  const look = () => {
    // Also an owner that takes no turns now has seen what is there: else it would be called again at once, without end.
    link.look();
    started.look();
    link.wait(look);
  };
  void started.start();
  look();
  return started;
}

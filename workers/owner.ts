/** Thread entry of an owner: loads the actors, waits for its link, then wires behaviors, store and loop. Everything of interest is in the parts. */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../src/errors.js';
import { watchLoop } from '../src/meter/loop-gauge.js';
import {
  EVICTIONS,
  OwnerMeter,
  RECORD_BYTES,
  RECORDS_EXPIRED,
  STATE_BYTES,
  STATES,
  UNSTORED,
} from '../src/meter/owner-meter.js';
import { FaultyStore, hangOnCommand } from '../src/operations/fault-injection.js';
import { residentNamed } from '../src/residents/residents.js';
import type { AskStore, OwnerStart, StoreAnswer, ToOwner } from '../src/runtime/front/owner-threads.js';
import { OwnerLink } from '../src/runtime/link/owner-link.js';
import { LOADING, MAIN_HEARTBEAT, OWNER_HEARTBEAT } from '../src/runtime/link/thread-words.js';
import { loadActors } from '../src/runtime/load-actors.js';
import { DefinedBehavior } from '../src/runtime/owner/defined-behavior.js';
import { EDITS } from '../src/runtime/owner/edit.js';
import type { FromOwner } from '../src/runtime/owner/events.js';
import { Owner } from '../src/runtime/owner/owner.js';
import type { OwnerSetup } from '../src/runtime/owner/owner-setup.js';
import { RepairLog } from '../src/runtime/owner/repair-log.js';
import { ReplyEncoder } from '../src/runtime/owner/reply-encoder.js';
import type { Behavior, ServedMessage } from '../src/runtime/owner/served.js';
import { idOf } from '../src/runtime/owner/states.js';
import { StoreReader } from '../src/runtime/owner/store-reader.js';
import { OWNER_CLOCK } from '../src/runtime/owner-clock.js';
import { isProvenDead, processMark } from '../src/runtime/process-mark.js';
import { keepPulse } from '../src/runtime/pulse.js';
import { FIRST_COMMIT } from '../src/store/commit-id.js';
import type { ActorStore, Change } from '../src/store/contract.js';
import { MeteredStore } from '../src/store/metered-store.js';
import { openActorStore } from '../src/store/open-actor-store.js';

/** How often the figures of the memory are written down, in milliseconds. */
const METER_MS = 250;

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const { words, setup } = workerData as { words: Int32Array; setup: OwnerSetup };
const { faultWords } = setup;

const meter = new OwnerMeter(setup.meterMemory);
const { store, messages, residents } = await load().finally(() => {
  Atomics.store(words, LOADING, 0);
  Atomics.notify(words, LOADING);
});

const reader = new StoreReader(store);
let owner: Owner | undefined;
port.on('message', (message: ToOwner) => {
  switch (message.kind) {
    case 'start':
      owner = begin(message.start);
      return;
    case 'stop':
      owner?.stop();
      return;
    case 'ask-store':
      void answer(message);
      return;
    default:
      throw new Error(`unknown message to the owner: ${JSON.stringify(message satisfies never)}`);
  }
});

async function answer({ id, question }: AskStore): Promise<void> {
  let answered: StoreAnswer;
  try {
    answered = { kind: 'store-answer', id, answer: await reader.answer(question), failure: undefined };
  } catch (error) {
    answered = { kind: 'store-answer', id, answer: undefined, failure: messageOf(error) };
  }
  port?.postMessage(answered);
}

interface Loaded {
  readonly store: ActorStore;
  readonly messages: readonly ServedMessage[];
  readonly residents: readonly Behavior[];
}

async function load(): Promise<Loaded> {
  const definitions = await loadActors(setup.modules);
  const bareStore = await openActorStore(setup.store, {
    timeoutMs: setup.commitTimeoutMs,
    memory: setup.storeMemory,
    selfTest: {
      held: setup.storeTested,
      onHeld: (findings) => post({ kind: 'store-tested', ...findings }),
    },
  });
  const store = new MeteredStore(faultWords ? new FaultyStore(bareStore, faultWords) : bareStore, meter);
  const encoder = new ReplyEncoder(setup.encoder);
  const messages: ServedMessage[] = definitions.flatMap((definition) => {
    const behavior = new DefinedBehavior(definition, setup.limits, (large) => encoder.encode(large));
    return definition.messageList.map(({ name }, message) => ({ behavior, message, name }));
  });
  const residents: Behavior[] = [];
  for (const { name, settings } of setup.residents) {
    const resident = residentNamed(name);
    const behavior = await resident.behavior(settings, store);
    residents.push(behavior);
    messages.push(...resident.messages.map((name, message) => ({ behavior, message, name })));
  }
  for (const behavior of new Set(messages.map(({ behavior }) => behavior))) {
    if (behavior instanceof DefinedBehavior)
      messages.push(...EDITS.map((message) => ({ behavior, message, name: `edit ${message}` })));
  }
  return { store, messages, residents };
}

function begin({ memory, pending, instance }: OwnerStart): Owner {
  post({ kind: 'loaded' });
  // Nothing inside a process can end a main thread that hangs, except another thread with a signal. Whoever stops that thread
  // with a debugger turns the watchdog off.
  if (setup.watchdogMs > 0) {
    keepPulse({
      words,
      own: OWNER_HEARTBEAT,
      other: MAIN_HEARTBEAT,
      silenceMs: setup.watchdogMs,
      onSilence: () => {
        if (setup.ownsProcess) process.kill(process.pid, 'SIGKILL');
      },
    });
  }
  watchLoop(meter.loop);
  if (faultWords) hangOnCommand(faultWords);
  const link = new OwnerLink(memory);
  const started = new Owner({
    ...setup,
    identity: { writer: setup.incarnation, instance, process: processMark() },
    link,
    store,
    messages,
    clocks: OWNER_CLOCK,
    isDead: isProvenDead,
    repair: new RepairLog(setup.repairMemory),
    randomId: () => randomBytes(16).toString('hex'),
    firstChanges: () => Promise.all(residents.map(firstChange)),
    predecessor: pending,
    post: (event) => {
      post(event);
      if (event.kind === 'stopped' || event.kind === 'fatal') port?.close();
    },
    onFailure: (message, failure) => post({ kind: 'behavior-failed', message, failure }),
  });
  setInterval(() => writeDown(started), METER_MS).unref();
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

function post(event: FromOwner): void {
  port?.postMessage(event);
}

/** A resident has one actor, with an empty key. */
async function firstChange(behavior: Behavior): Promise<Change> {
  const text =
    (await behavior.inherited?.()) ?? behavior.encode(behavior.load(undefined).state, FIRST_COMMIT);
  return { id: idOf(behavior, ''), text };
}

function writeDown({ states, records, unstored }: Owner): void {
  meter.set(STATES, states.count);
  meter.set(STATE_BYTES, states.bytes);
  meter.set(EVICTIONS, states.evictions);
  meter.set(UNSTORED, unstored);
  // It is loaded with the first request that has a key.
  if (records.isSizeKnown) meter.set(RECORD_BYTES, records.size);
  meter.set(RECORDS_EXPIRED, records.expirations);
}

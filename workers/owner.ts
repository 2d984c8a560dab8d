/**
 * Entry of the owner thread. It loads the actors, waits until it becomes the owner, and then makes one `Owner` for each shard and connects it to
 * store, link and behaviors. With several nodes it also joins them. The logic is in the classes that it connects.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
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
import { Membership } from '../src/nodes/membership.js';
import { ShardKeeper } from '../src/nodes/shard-keeper.js';
import { FaultyStore, hangOnCommand } from '../src/operations/fault-injection.js';
import { residentNamed } from '../src/residents/residents.js';
import type { OwnerStart, ReadStore, StoreAnswer, ToOwner } from '../src/runtime/front/owner-threads.js';
import { keepHeartbeat } from '../src/runtime/heartbeat.js';
import { awaitBell, REQUEST_BELL, rung } from '../src/runtime/link/bell.js';
import { OwnerLink } from '../src/runtime/link/owner-link.js';
import { LOADING, MAIN_HEARTBEAT, OWNER_HEARTBEAT } from '../src/runtime/link/thread-words.js';
import { loadActors } from '../src/runtime/load-actors.js';
import type { Behavior, ServedMessage } from '../src/runtime/owner/behavior.js';
import { DefinedBehavior } from '../src/runtime/owner/defined-behavior.js';
import { EDITS } from '../src/runtime/owner/edit.js';
import type { FromOwner } from '../src/runtime/owner/events.js';
import { Founder } from '../src/runtime/owner/founder.js';
import { Owner } from '../src/runtime/owner/owner.js';
import type { OwnerSetup } from '../src/runtime/owner/owner-setup.js';
import { RepairLog } from '../src/runtime/owner/repair-log.js';
import { ReplyEncoder } from '../src/runtime/owner/reply-encoder.js';
import { idOf, StateMemory } from '../src/runtime/owner/states.js';
import { StoreReader } from '../src/runtime/owner/store-reader.js';
import { OWNER_CLOCK } from '../src/runtime/owner-clock.js';
import { isProvenDead, processMark } from '../src/runtime/process-mark.js';
import { allShards } from '../src/store/all-shards.js';
import type { ActorStore, Change, Store } from '../src/store/contract.js';
import { MeteredStore } from '../src/store/metered-store.js';
import type { NodeEntry } from '../src/store/node-entry.js';
import type { NodeRegistry } from '../src/store/node-registry.js';
import { openStore } from '../src/store/open-actor-store.js';
import { shardOf } from '../src/store/shard-of.js';

/** The time between two updates of the meter's figures about memory. */
const METER_MS = 250;
/** The time between two looks at a shard without an owner, after a start. */
const WHOLE_MS = 100;

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const { words, setup } = workerData as { words: Int32Array; setup: OwnerSetup };
const { faultWords } = setup;

const meter = new OwnerMeter(setup.meterMemory);
const { store, registry, others, messages, residents } = await load().finally(() => {
  Atomics.store(words, LOADING, 0);
  Atomics.notify(words, LOADING);
});

const reader = new StoreReader(allShards(setup.shards, others));
let owners: readonly Owner[] = [];
let membership: Membership | undefined;
let keeper: ShardKeeper | undefined;
port.on('message', (message: ToOwner) => {
  switch (message.kind) {
    case 'start':
      owners = begin(message.start);
      return;
    case 'stop':
      membership?.setState('leaving');
      keeper?.end();
      for (const owner of owners) owner.stop();
      return;
    case 'leave':
      keeper?.leave();
      return;
    case 'read-store':
      void answer(message);
      return;
    default:
      throw new Error(`unknown message to the owner: ${JSON.stringify(message satisfies never)}`);
  }
});

async function answer({ id, question }: ReadStore): Promise<void> {
  let answered: StoreAnswer;
  try {
    answered = { kind: 'store-answer', id, answer: await reader.answer(question), failure: undefined };
  } catch (error) {
    answered = { kind: 'store-answer', id, answer: undefined, failure: messageOf(error) };
  }
  port?.postMessage(answered);
}

interface Loaded {
  /** Each shard as its owner uses it. */
  readonly store: Store;
  /** Undefined when no other process can reach the store. */
  readonly registry: NodeRegistry | undefined;
  /** Each shard for readers: their commands are separate from those of its owner. */
  readonly others: (at: number) => ActorStore;
  readonly messages: readonly ServedMessage[];
  readonly residents: readonly Behavior[];
}

async function load(): Promise<Loaded> {
  const definitions = await loadActors(setup.modules);
  const bare = await openStore(setup.store, {
    timeoutMs: setup.commitTimeoutMs,
    memory: setup.storeMemory,
    selfTest: {
      held: setup.storeTested,
      onHeld: (findings) => post({ kind: 'store-tested', ...findings }),
    },
  });
  const shards = Array.from({ length: setup.shards }, (_, at) => {
    const shard = bare.shard(at);
    return new MeteredStore(faultWords ? new FaultyStore(shard, faultWords) : shard, meter);
  });
  const store: Store = { shard: (at) => shards[at] as ActorStore, close: () => bare.close() };
  const encoder = new ReplyEncoder(setup.encoder);
  const messages: ServedMessage[] = definitions.flatMap((definition) => {
    const behavior = new DefinedBehavior(definition, setup.limits, (large) => encoder.encode(large));
    return definition.messageList.map(({ name }, message) => ({ behavior, message, name }));
  });
  const residents: Behavior[] = [];
  for (const { name, settings } of setup.residents) {
    const resident = residentNamed(name);
    const behavior = await resident.behavior(settings, store.shard(0));
    residents.push(behavior);
    messages.push(...resident.messages.map((name, message) => ({ behavior, message, name })));
  }
  for (const behavior of new Set(messages.map(({ behavior }) => behavior))) {
    if (behavior instanceof DefinedBehavior)
      messages.push(...EDITS.map((message) => ({ behavior, message, name: `edit ${message}` })));
  }
  const readers = Array.from({ length: setup.shards }, (_, at) => bare.shard(at));
  return { store, registry: bare.registry, others: (at) => readers[at] as ActorStore, messages, residents };
}

function begin({ links, instance, node }: OwnerStart): readonly Owner[] {
  post({ kind: 'loaded' });
  // A main thread that hangs can be ended only by a signal to the process, which this thread sends. With a debugger on the main thread the
  // watchdog must be off.
  if (setup.watchdogMs > 0) {
    keepHeartbeat({
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
  const memory = new StateMemory(setup.stateBytes);
  const founder = new Founder({
    shards: setup.shards,
    shard: others,
    firstChanges,
    randomId: () => randomBytes(16).toString('hex'),
  });
  const identity = { writer: setup.incarnation, instance, process: processMark() };
  const isAlone = !registry || !node;
  let running = links.length;
  const started = links.map(
    (link, shard) =>
      new Owner({
        ...setup,
        shard,
        identity,
        founder,
        actors: node?.actors ?? {},
        memory,
        link: new OwnerLink(link.memory),
        store: store.shard(shard),
        messages,
        clocks: OWNER_CLOCK,
        isDead: isProvenDead,
        repair: new RepairLog(setup.repairMemory[shard] as SharedArrayBuffer),
        predecessor: link.pending,
        // Shards of the previous owner thread are taken at once, since their clients wait.
        duty: isAlone || link.owned ? 'own' : 'rest',
        post: (event) => {
          post(event);
          if (event.kind === 'fatal') port?.close();
          if (event.kind !== 'shard-stopped') return;
          running -= 1;
          if (running === 0) void end();
        },
        onFailure: (message, failure) => post({ kind: 'behavior-failed', message, failure }),
      }),
  );
  setInterval(() => updateMeter(memory, started), METER_MS).unref();
  const { bells } = (links[0] as OwnerStart['links'][number]).memory;
  const look = () => {
    const seen = rung(bells, REQUEST_BELL);
    for (const owner of started) if (owner.hasNews) owner.look();
    awaitBell(bells, REQUEST_BELL, seen, look);
  };
  for (const owner of started) void owner.start();
  if (!isAlone) joinNodes(registry, { ...node, instance, process: identity.process }, links, started);
  look();
  return started;
}

/** Joins the other nodes. From then on the placement decides which shards this process owns. */
function joinNodes(
  registry: NodeRegistry,
  node: Omit<NodeEntry, 'incarnation'>,
  links: OwnerStart['links'],
  shards: readonly Owner[],
): void {
  const { instance } = node;
  membership = new Membership({
    registry,
    clock: OWNER_CLOCK,
    leaseMs: setup.leaseMs,
    node: { ...node, incarnation: setup.incarnation },
    isDead: isProvenDead,
    onView: (nodes) => {
      post({ kind: 'nodes', nodes });
      keeper?.see(nodes);
    },
    onTwin: (reason) => post({ kind: 'fatal', code: 'instance-taken', reason }),
    onDenied: (reason) => {
      // A node that has never joined cannot serve.
      if (membership?.nodes.length === 0) post({ kind: 'fatal', code: 'store-denied', reason });
      else post({ kind: 'registry-denied', reason });
    },
  });
  keeper = new ShardKeeper({
    instance,
    shards,
    owned: links.map(({ owned }) => owned),
    membership,
    clock: OWNER_CLOCK,
    onHolds: (shard, holds) => post({ kind: 'holds', shard, holds }),
    onLeft: () => post({ kind: 'left' }),
  });
  membership.start();
  void untilWhole();
}

/** Waits until every shard has an owner with a lease, and then posts `whole`. */
async function untilWhole(): Promise<void> {
  const rest = Array.from({ length: setup.shards }, (_, at) => at);
  while (rest.length > 0) {
    const at = rest[0] as number;
    const fence = await others(at)
      .load([], 0)
      .then(({ fence }) => fence)
      .catch(() => undefined);
    if (fence && fence.lease > 0 && !fence.halted) rest.shift();
    else await delay(WHOLE_MS);
  }
  post({ kind: 'whole' });
}

/** Ends the thread, when the owners of all shards have ended. */
async function end(): Promise<void> {
  await membership?.leave();
  // A store that cannot be closed ends with the thread.
  await store.close().catch(() => {});
  post({ kind: 'stopped' });
  port?.close();
}

function post(event: FromOwner): void {
  port?.postMessage(event);
}

/** The first states of the residents in this shard. A resident has one actor, with an empty key. */
async function firstChanges(shard: number, commit: string): Promise<Change[]> {
  const own = residents.filter((behavior) => shardOf(idOf(behavior, ''), setup.shards) === shard);
  return Promise.all(
    own.map(async (behavior) => {
      const inherited = await behavior.inherited?.(commit);
      const text = inherited ?? behavior.encode(behavior.load(undefined).state, commit);
      return { id: idOf(behavior, ''), text };
    }),
  );
}

function updateMeter({ count, bytes, evictions }: StateMemory, owners: readonly Owner[]): void {
  const sum = (figure: (owner: Owner) => number) =>
    owners.reduce((before, owner) => before + figure(owner), 0);
  meter.set(STATES, count);
  meter.set(STATE_BYTES, bytes);
  meter.set(EVICTIONS, evictions);
  meter.set(
    UNSTORED,
    sum(({ unstored }) => unstored),
  );
  // The size is loaded with the first request that has an idempotency key.
  if (owners.some(({ records }) => records.isSizeKnown))
    meter.set(
      RECORD_BYTES,
      sum(({ records }) => records.size),
    );
  meter.set(
    RECORDS_EXPIRED,
    sum(({ records }) => records.expirations),
  );
}

/**
 * What an owner thread can die of, shown on the real handle and real owner threads with an actor that does the dying: a message that kills
 * two owners is answered 500 and left out, every other one is answered, in order.
 */
import { setEnvironmentData } from 'node:worker_threads';
import t, { type Test } from 'tap';
import type { ProblemCode } from '../../src/errors.js';
import { OwnerMeter } from '../../src/meter/owner-meter.js';
import { RequestMeter } from '../../src/meter/request-meter.js';
import { type OwnerEvent, OwnerHandle } from '../../src/runtime/front/owner-handle.js';
import { OwnerThreads } from '../../src/runtime/front/owner-threads.js';
import type { OwnerSetup } from '../../src/runtime/owner/owner-setup.js';
import { repairMemory } from '../../src/runtime/owner/repair-log.js';
import { storeMemory } from '../../src/store/memory/memory-actor-store.js';
import { BEGUN, MESSAGES, type Peril } from './fixtures/perilous-actor.js';

const MODULE = new URL('./fixtures/perilous-actor.js', import.meta.url).href;
/** A thread that starts has not turned yet: on a busy machine that alone may take a second. */
const WATCHDOG_MS = 3_000;
const MIB = 2 ** 20;

interface Stage {
  readonly handle: OwnerHandle;
  readonly events: OwnerEvent[];
  readonly begun: Int32Array;
  /** Resolves with the event; an ended process is only pretended here. */
  readonly fatal: Promise<OwnerEvent>;
  ask(peril: Peril): Promise<string | ProblemCode>;
}

function setStage(t: Test, { restartLimit = 100, watchdogMs = 60_000 } = {}): Stage {
  const events: OwnerEvent[] = [];
  const begun = new Int32Array(new SharedArrayBuffer(MESSAGES.length * Int32Array.BYTES_PER_ELEMENT));
  setEnvironmentData(BEGUN, begun);
  let ended: (event: OwnerEvent) => void = () => {};
  const fatal = new Promise<OwnerEvent>((resolve) => {
    ended = resolve;
  });
  const setup: OwnerSetup = {
    modules: [MODULE],
    residents: [],
    limits: { stateBytes: MIB, replyBytes: MIB, largeBigintBits: 1 << 15 },
    store: { kind: 'memory' },
    storeMemory: storeMemory(64 * MIB),
    encoder: { heapMb: 16, timeoutMs: 60_000 },
    storeTested: new Int32Array(1),
    durability: 'gated',
    incarnation: 'test',
    leaseMs: 60_000,
    commitTimeoutMs: 1_000,
    storeGraceMs: 1_000,
    stateBytes: MIB,
    groupBytes: MIB,
    records: { keptMs: 86_400_000, bytes: MIB },
    watchdogMs: 60_000,
    ownsProcess: false,
    repairMemory: [repairMemory(0)],
    shards: 1,
    meterMemory: new OwnerMeter().memory,
    faultWords: undefined,
  };
  // The loaders of the test runner take some of it.
  const threads = new OwnerThreads({ setup }, 96);
  const handle = new OwnerHandle({
    limits: {
      askTimeoutMs: 60_000,
      shedAfterMs: 60_000,
      watchdogMs,
      restartLimit,
      restartWindowMs: 600_000,
    },
    queue: { capacity: 1024, requestBytes: MIB, replyBytes: MIB },
    shards: 1,
    actors: MESSAGES.map(() => 'perilous'),
    threads,
    meter: new RequestMeter(MESSAGES.map(() => 'perilous')),
    repliesAtOnce: () => Number.POSITIVE_INFINITY,
    onEvent: (event) => {
      events.push(event);
      if (event.kind === 'fatal') ended(event);
    },
    onError: (error) => t.error(error),
  });
  handle.start('test');
  t.teardown(async () => {
    await Promise.race([handle.stop(), fatal]);
    handle.abandon('the test is over');
    threads.close();
  });
  const ask = (peril: Peril) =>
    new Promise<string | ProblemCode>((resolve) => {
      handle.ask(MESSAGES.indexOf(peril), 'a', undefined, {
        reply: ({ offset, length }, bytes) => resolve(bytes.toString('utf8', offset, offset + length)),
        refuse: resolve,
      });
    });
  return { handle, events, begun, fatal, ask };
}

const kinds = (events: readonly OwnerEvent[], kind: OwnerEvent['kind']) =>
  events.filter((event) => event.kind === kind);

for (const [name, peril, reason] of [
  ['ends its thread', 'exit', /ended with code 7/],
  ['hangs', 'hang', new RegExp(`did not turn for ${WATCHDOG_MS} ms`)],
  ['fills its heap', 'hoard', /memory/i],
] as const) {
  t.test(
    `a message whose turn ${name} twice is answered 500, and all others are answered in order`,
    async (t) => {
      // Only what hangs is judged by the clock: on a busy machine a heap fills slowly.
      const stage = setStage(t, peril === 'hang' ? { watchdogMs: WATCHDOG_MS } : {});
      t.equal(await stage.ask('count'), '1');
      const answers = await Promise.all(
        (['count', 'count', peril, 'count', 'count'] as const).map((message) => stage.ask(message)),
      );
      t.strictSame(answers, ['2', '3', 'poisoned', '4', '5']);
      t.equal(stage.begun[MESSAGES.indexOf(peril)], 2, 'it got two chances');
      const deaths = kinds(stage.events, 'died');
      t.equal(deaths.length, 2);
      for (const death of deaths) t.match(death, { reason });
      t.match(kinds(stage.events, 'poisoned'), [{ message: MESSAGES.indexOf(peril), key: 'a' }]);
      t.match(kinds(stage.events, 'serving').at(-1), { origin: 'resumed' });
      t.equal(await stage.ask('count'), '6', 'and service goes on');
    },
  );
}

t.test('a message whose turn fails once is answered as if nothing had happened', async (t) => {
  const stage = setStage(t);
  const script = ['count', 'exit-once', 'count'] as const;
  t.strictSame(await Promise.all(script.map((message) => stage.ask(message))), ['1', '2', '3']);
  t.equal(kinds(stage.events, 'died').length, 1);
  t.equal(kinds(stage.events, 'poisoned').length, 0);
});

t.test('several poisonous messages are left out one by one', async (t) => {
  const stage = setStage(t);
  const script = ['count', 'exit', 'exit', 'count', 'exit', 'count'] as const;
  const answers = await Promise.all(script.map((message) => stage.ask(message)));
  t.strictSame(answers, ['1', 'poisoned', 'poisoned', '2', 'poisoned', '3']);
  t.equal(kinds(stage.events, 'died').length, 6);
});

t.test('more deaths than the limit are fatal, and whoever waits hears of it', async (t) => {
  const stage = setStage(t, { restartLimit: 2 });
  const script = ['count', 'exit', 'exit', 'count'] as const;
  const answers = Promise.all(script.map((message) => stage.ask(message)));
  t.match(await stage.fatal, {
    code: 'owner-failing',
    reason: /more than 2 deaths within 600000 ms; last: .*code 7/,
  });
  t.strictSame((await answers).slice(1), ['poisoned', 'internal', 'internal']);
  t.notOk(stage.handle.alive);
  t.equal(await stage.ask('count'), 'shutting-down', 'nothing is taken any more');
});

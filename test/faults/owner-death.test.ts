/**
 * What an owner thread can die of, shown on the real handle and the real loop with a behavior that does the dying: a
 * message that kills two owners is answered 500 and left out, every other one is answered, in order.
 */
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import type { ProblemCode } from '../../src/errors.js';
import { createChannel } from '../../src/runtime/channel.js';
import { type OwnerEvent, OwnerHandle } from '../../src/runtime/owner-handle.js';
import { OwnerThread } from '../../src/runtime/owner-thread.js';
import { VITAL_SIGNS } from '../../src/runtime/protocol.js';
import { PERIL } from './fixtures/perils.js';

const ENTRY = new URL('./fixtures/perilous-owner.js', import.meta.url);
/** A thread that starts has not turned yet: on a busy machine that alone may take a second. */
const WATCHDOG_MS = 3_000;
const MAILBOX_LIMIT = 1024;

interface Stage {
  readonly handle: OwnerHandle;
  readonly events: OwnerEvent[];
  readonly begun: Int32Array;
  /** Resolves with the event; an ended process is only pretended here. */
  readonly fatal: Promise<OwnerEvent>;
  ask(message: number): Promise<number | ProblemCode>;
}

function setStage(t: Test, restartLimit = 100): Stage {
  const events: OwnerEvent[] = [];
  const begun = new Int32Array(new SharedArrayBuffer(1024));
  let ended: (event: OwnerEvent) => void = () => {};
  const fatal = new Promise<OwnerEvent>((resolve) => {
    ended = resolve;
  });
  let worker: Worker | undefined;
  const handle = new OwnerHandle({
    limits: {
      mailboxLimit: MAILBOX_LIMIT,
      askTimeoutMs: 60_000,
      shedAfterMs: 60_000,
      watchdogMs: WATCHDOG_MS,
      restartLimit,
      restartWindowMs: 600_000,
    },
    spawn: (resume) => {
      const vitalSigns = new Int32Array(new SharedArrayBuffer(VITAL_SIGNS * Int32Array.BYTES_PER_ELEMENT));
      const channel = createChannel(MAILBOX_LIMIT);
      worker = new Worker(ENTRY, {
        workerData: { channel, vitalSigns, resume, watchdogMs: 60_000, begun },
        resourceLimits: { maxOldGenerationSizeMb: 32 },
        // The test runner's own loaders have no business in an owner.
        execArgv: [],
      });
      return new OwnerThread(worker, vitalSigns, channel);
    },
    onEvent: (event) => {
      events.push(event);
      if (event.kind === 'fatal') ended(event);
    },
    onError: (error) => t.error(error),
    onServing: () => {},
    onReplies: () => {},
    answering: () => true,
    repliesAtOnce: () => Number.POSITIVE_INFINITY,
  });
  handle.start();
  t.teardown(async () => {
    await Promise.race([handle.stop(), fatal]);
    await worker?.terminate();
  });
  const ask = (message: number) =>
    new Promise<number | ProblemCode>((settle) => void handle.ask(message, { settle }));
  return { handle, events, begun, fatal, ask };
}

const kinds = (events: readonly OwnerEvent[], kind: OwnerEvent['kind']) =>
  events.filter((event) => event.kind === kind);

for (const [name, message, reason] of [
  ['throws', PERIL.throw, /a behavior that throws/],
  ['replies with a negative number', PERIL.minusOne, /answered message 6 .* reply -1/],
  ['leaves no state that is a number', PERIL.noNumber, /answered message 7 .* state NaN/],
  ['ends its thread', PERIL.exit, /ended with code 7/],
  ['hangs', PERIL.hang, new RegExp(`did not turn for ${WATCHDOG_MS} ms`)],
  ['fills its heap', PERIL.hoard, /memory/i],
] as const) {
  t.test(
    `a message whose turn ${name} twice is answered 500, and all others are answered in order`,
    async (t) => {
      const stage = setStage(t);
      t.equal(await stage.ask(PERIL.count), 1);
      const answers = await Promise.all([
        stage.ask(PERIL.count),
        stage.ask(PERIL.count),
        stage.ask(message),
        stage.ask(PERIL.count),
        stage.ask(PERIL.count),
      ]);
      t.strictSame(answers, [2, 3, 'poisoned', 4, 5]);
      t.equal(stage.begun[message], 2, 'it got two chances');
      const deaths = kinds(stage.events, 'died');
      t.equal(deaths.length, 2);
      for (const death of deaths) t.match(death, { reason, unanswered: 5 });
      t.match(kinds(stage.events, 'poisoned'), [{ message }], 'the message is named');
      t.match(kinds(stage.events, 'serving').at(-1), { origin: 'resumed' });
      t.equal(await stage.ask(PERIL.count), 6, 'and service goes on');
    },
  );
}

t.test('a message whose turn fails once is answered as if nothing had happened', async (t) => {
  const stage = setStage(t);
  t.strictSame(await Promise.all([0, PERIL.throwOnce, 0].map((message) => stage.ask(message))), [1, 2, 3]);
  t.equal(kinds(stage.events, 'died').length, 1);
  t.equal(kinds(stage.events, 'poisoned').length, 0);
});

t.test('several poisonous messages are left out one by one', async (t) => {
  const stage = setStage(t);
  const script = [0, PERIL.throw, PERIL.exit, 0, PERIL.throw, 0];
  const answers = await Promise.all(script.map((message) => stage.ask(message)));
  t.strictSame(answers, [1, 'poisoned', 'poisoned', 2, 'poisoned', 3]);
  t.equal(kinds(stage.events, 'died').length, 6);
});

t.test('more deaths than the limit are fatal, and whoever waits hears of it', async (t) => {
  const stage = setStage(t, 2);
  const answers = Promise.all([0, PERIL.throw, PERIL.exit, 0].map((message) => stage.ask(message)));
  t.match(await stage.fatal, {
    code: 'owner-failing',
    reason: /more than 2 deaths within 600000 ms; last: .*code 7/,
  });
  t.strictSame(await answers, ['internal', 'poisoned', 'internal', 'internal']);
  t.notOk(stage.handle.alive);
  t.equal(await stage.ask(PERIL.count), 'shutting-down', 'nothing is taken any more');
});

t.test('a client that leaves in the turn of its request takes no number', async (t) => {
  const stage = setStage(t);
  t.equal(await stage.ask(PERIL.count), 1);
  const outcomes: unknown[] = [];
  const leaving = stage.handle.ask(PERIL.count, { settle: (outcome) => outcomes.push(outcome) });
  const staying = stage.ask(PERIL.count);
  if (leaving !== undefined) stage.handle.withdraw(leaving);
  t.equal(await staying, 2, 'the number goes to the next one');
  t.strictSame(outcomes, ['internal'], 'who withdraws hears of it, too, once');
  t.equal(stage.begun[PERIL.count], 2);
});

/**
 * The main thread's side against an owner that the test plays: what is posted when, who is told what in which order. What
 * becomes of real threads is in `test/faults/owner-death.test.ts`.
 */
import { EventEmitter } from 'node:events';
import t, { type Test } from 'tap';
import { type OwnerEvent, OwnerHandle, type OwnerLimits } from '../../../src/runtime/owner-handle.js';
import type { OwnerThread } from '../../../src/runtime/owner-thread.js';
import {
  type Acknowledged,
  encodeReply,
  type FromOwner,
  type ToOwner,
  VITAL_SIGNS,
  type WireRefusal,
} from '../../../src/runtime/protocol.js';

class PlayedOwner extends EventEmitter {
  readonly vitalSigns = new Int32Array(VITAL_SIGNS);
  readonly posted: ToOwner[] = [];
  readonly resume: Acknowledged | undefined;
  terminated = false;
  collected = 0;
  waiting: (() => void) | undefined;

  constructor(resume: Acknowledged | undefined) {
    super();
    this.resume = resume;
  }

  post(message: ToOwner): void {
    this.posted.push(message);
  }

  collect(): void {
    this.collected += 1;
  }

  wait(callback: () => void): void {
    this.waiting = callback;
  }

  /** What the ring does when it is published. */
  wake(): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }

  async terminate(): Promise<number> {
    this.terminated = true;
    return 1;
  }

  say(message: FromOwner): void {
    this.emit('message', message);
  }

  serve(): void {
    this.say({ kind: 'serving', acknowledged: { epoch: 1, version: 1, state: 0 }, origin: 'stored' });
  }

  reply(...replies: (number | WireRefusal)[]): void {
    this.say({
      kind: 'replies',
      replies: Float64Array.from(replies.map(encodeReply)),
      acknowledged: { epoch: 1, version: 2, state: 7 },
    });
  }

  /** The messages of each post. */
  get batches(): number[][] {
    return this.posted.map((post) => (post.kind === 'stop' ? [] : [...post.messages]));
  }
}

function play(t: Test, limits: Partial<OwnerLimits> = {}, answering: () => boolean = () => true) {
  const owners: PlayedOwner[] = [];
  const events: OwnerEvent[] = [];
  /** What askers and listeners heard, in order. */
  const heard: unknown[] = [];
  const handle = new OwnerHandle({
    limits: {
      mailboxLimit: 8_192,
      askTimeoutMs: 60_000,
      shedAfterMs: 60_000,
      watchdogMs: 60_000,
      restartLimit: 1,
      restartWindowMs: 60_000,
      ...limits,
    },
    spawn: (resume) => {
      const owner = new PlayedOwner(resume);
      owners.push(owner);
      return owner as unknown as OwnerThread;
    },
    onEvent: (event) => {
      events.push(event);
      heard.push(event.kind);
    },
    onError: (error) => heard.push(error),
    onServing: () => {},
    onReplies: () => {},
    answering,
    repliesAtOnce: () => Number.POSITIVE_INFINITY,
  });
  handle.start();
  t.teardown(() => owners.at(-1)?.say({ kind: 'stopped' }));
  const ask = (message: number) =>
    handle.ask(message, { settle: (outcome) => heard.push([message, outcome]) });
  return { handle, owners, owner: owners[0] as PlayedOwner, events, heard, ask };
}

const nextTurn = () => new Promise(setImmediate);

t.test('the asks of one event-loop turn cross in one message, in order', async (t) => {
  const { owner, ask } = play(t);
  for (const message of [1, 2, 3]) ask(message);
  await Promise.resolve().then(() => ask(4));
  t.strictSame(owner.batches, [], 'not before the turn is over');
  await nextTurn();
  t.strictSame(owner.batches, [[1, 2, 3, 4]]);
  await nextTurn();
  t.equal(owner.batches.length, 1, 'a turn without asks posts nothing');
  ask(5);
  await nextTurn();
  t.strictSame(owner.batches.slice(1), [[5]]);
});

t.test('whoever owes replies is waited for, from one turn after the last ask on', async (t) => {
  const { owner, ask } = play(t);
  await nextTurn();
  await nextTurn();
  t.notOk(owner.waiting, 'nothing is owed');
  ask(1);
  await nextTurn();
  t.notOk(owner.waiting, 'it has one turn for its replies');
  ask(2);
  await nextTurn();
  t.notOk(owner.waiting, 'and one more with the next ask');
  const collected = owner.collected;
  await nextTurn();
  t.equal(owner.collected, collected + 1);
  t.ok(owner.waiting);
  owner.wake();
  t.equal(owner.collected, collected + 2);
  t.ok(owner.waiting, 'still owed');
  owner.reply(1, 2);
  owner.wake();
  t.notOk(owner.waiting, 'all is answered');
});

t.test('replies that are there in the turn after their asks need no waiting', async (t) => {
  const { owner, ask } = play(t);
  ask(1);
  await nextTurn();
  owner.collect = () => owner.reply(1);
  await nextTurn();
  await nextTurn();
  t.notOk(owner.waiting);
});

t.test('a successor is waited for, too', async (t) => {
  const { owners, owner, ask } = play(t);
  ask(1);
  await nextTurn();
  await nextTurn();
  t.ok(owner.waiting);
  owner.emit('exit', 1);
  const successor = owners[1] as PlayedOwner;
  await nextTurn();
  t.ok(successor.waiting);
  t.notOk(owners[2]);
});

t.test('what is withdrawn in its turn never crosses; later it takes its turn unheard of', async (t) => {
  const { handle, owner, heard, ask } = play(t);
  ask(1);
  const withdrawn = ask(2) as number;
  ask(3);
  handle.withdraw(withdrawn);
  await nextTurn();
  t.strictSame(owner.batches, [[1, 3]]);
  owner.reply(10, 30);
  t.strictSame(heard, [
    [2, 'internal'],
    [1, 10],
    [3, 30],
  ]);
  const late = ask(4) as number;
  await nextTurn();
  handle.withdraw(late);
  t.equal(handle.pending, 1, 'its reply is still to come');
});

t.test('replies settle the asks in their order, over batches that are cut elsewhere', async (t) => {
  const { owner, heard, ask } = play(t);
  ask(1);
  ask(2);
  await nextTurn();
  ask(3);
  ask(4);
  await nextTurn();
  owner.reply(10);
  owner.reply(20, 'store-unavailable');
  owner.reply(40);
  t.strictSame(heard, [
    [1, 10],
    [2, 20],
    [3, 'store-unavailable'],
    [4, 40],
  ]);
});

t.test('a successor gets what is unanswered, and what was acknowledged, before anything new', async (t) => {
  const { owner, owners, heard, ask } = play(t);
  for (const message of [1, 2, 3]) ask(message);
  await nextTurn();
  owner.serve();
  owner.reply(10);
  owner.emit('exit', 1);
  ask(4);
  await nextTurn();
  const successor = owners[1] as PlayedOwner;
  t.match(successor.resume, { version: 2, state: 7 });
  t.match(successor.posted, [{ kind: 'asks-again' }, { kind: 'asks' }]);
  t.strictSame(successor.batches, [[2, 3], [4]]);
  successor.reply(20, 30, 40);
  t.strictSame(heard, ['serving', [1, 10], 'died', [2, 20], [3, 30], [4, 40]]);
});

t.test('at the end everybody who waits is told before whoever ends the process', async (t) => {
  for (const end of [
    (owner: PlayedOwner) => owner.say({ kind: 'fatal', code: 'store-corrupt', reason: 'of the test' }),
    (owner: PlayedOwner, owners: PlayedOwner[]) => {
      owner.emit('exit', 1);
      owners[1]?.emit('exit', 1);
    },
  ]) {
    const { handle, owner, owners, heard, ask } = play(t);
    ask(1);
    await nextTurn();
    ask(2);
    end(owner, owners);
    t.strictSame(
      heard.filter((one) => one !== 'died'),
      [[1, 'internal'], [2, 'internal'], 'fatal'],
    );
    t.notOk(handle.alive || handle.serving);
    ask(3);
    t.strictSame(heard.at(-1), [3, 'shutting-down']);
  }
});

t.test('Retry-After is the line over the measured speed, and refusals are no speed', async (t) => {
  const askTimeoutMs = 40_000;
  let now = 0;
  let tick = () => {};
  t.intercept(globalThis, 'setInterval', {
    value: (callback: () => void, ms: number) => {
      // The pulse has another period.
      if (ms === 100) tick = callback;
      return { unref: () => {} };
    },
  });
  t.intercept(performance, 'now', { value: () => now });
  const { handle, owner, ask } = play(t, { askTimeoutMs });
  const second = async (...replies: (number | WireRefusal)[]) => {
    for (let n = 0; n < replies.length; n++) ask(0);
    await nextTurn();
    owner.reply(...replies);
    for (let n = 0; n < 10; n++) {
      now += 100;
      tick();
    }
  };
  for (let n = 0; n < 30; n++) await second(...Array.from({ length: 100 }, () => 1));
  t.equal(handle.retryAfterSeconds(), 1, 'nobody waits');
  for (let n = 0; n < 1_000; n++) ask(0);
  await nextTurn();
  const seconds = handle.retryAfterSeconds();
  t.ok(seconds >= 9 && seconds <= 14, `1,000 at about 100 a second: ${seconds}`);
  owner.reply(...Array.from({ length: 1_000 }, () => 'store-unavailable' as const));
  for (let n = 0; n < 10; n++) {
    await second(...Array.from({ length: 1_000 }, () => 'store-unavailable' as const));
  }
  for (let n = 0; n < 1_000; n++) ask(0);
  await nextTurn();
  t.equal(handle.retryAfterSeconds(), 30, 'the store has been away for 10 s; this is the longest');
});

t.test('an owner that does not turn is neither healthy nor ready, whatever it said before', async (t) => {
  const { handle, owner } = play(t, { watchdogMs: 500 });
  owner.serve();
  t.ok(handle.alive && handle.ready);
  while (handle.alive) await new Promise((resolve) => setTimeout(resolve, 20));
  t.notOk(handle.ready);
  while (!owner.terminated) await nextTurn();
});

t.test('with WATCHDOG_MS=0 an owner that does not turn is left to its debugger', async (t) => {
  const { handle, owner, ask, heard } = play(t, { watchdogMs: 0 });
  owner.serve();
  // Longer than the watchdog waits at the least, if there were one.
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.notOk(owner.terminated);
  t.ok(handle.alive && handle.ready);
  ask(1);
  owner.reply(1);
  t.strictSame(heard.at(-1), [1, 1]);
});

t.test('an owner is not ready while its line stands still: who comes then is refused', async (t) => {
  const { handle, owner, ask, heard } = play(t, { shedAfterMs: 50 });
  owner.serve();
  ask(1);
  while (handle.ready) await nextTurn();
  t.ok(handle.alive, 'it turns all the same');
  ask(2);
  t.strictSame(heard.at(-1), [2, 'mailbox-full']);
  owner.reply(1);
  t.ok(handle.ready);
});

const notReady = { ready: false };

t.test(
  'as long as replies cannot be answered no ask reaches the owner, and nothing is consumed',
  async (t) => {
    notReady.ready = false;
    const { owner, heard, ask, handle } = play(t, {}, () => notReady.ready);
    ask(1);
    await nextTurn();
    t.strictSame(owner.batches, [], 'at the start it waits: the state is not known yet');
    owner.serve();
    t.strictSame(heard, [[1, 'not-ready'], 'serving'], 'then it is known that the answer takes a while');
    ask(2);
    t.strictSame(heard.slice(2), [[2, 'not-ready']]);
    await nextTurn();
    t.strictSame(owner.batches, []);
    notReady.ready = true;
    handle.goOn();
    ask(3);
    await nextTurn();
    t.strictSame(owner.batches, [[3]]);
  },
);

t.test('what has waited for the state goes to the owner once replies can be answered', async (t) => {
  notReady.ready = false;
  const { owner, heard, ask } = play(t, {}, () => notReady.ready);
  ask(1);
  ask(2);
  await nextTurn();
  notReady.ready = true;
  owner.serve();
  await nextTurn();
  t.strictSame(owner.batches, [[1, 2]]);
  owner.reply(5, 6);
  t.strictSame(heard.slice(1), [
    [1, 5],
    [2, 6],
  ]);
});

t.test('an owner that dies before it serves leaves what waits to its successor', async (t) => {
  notReady.ready = false;
  const { owner, owners, ask } = play(t, {}, () => notReady.ready);
  ask(1);
  await nextTurn();
  owner.emit('exit', 1);
  notReady.ready = true;
  owners[1]?.serve();
  await nextTurn();
  t.strictSame([owner.batches, owners[1]?.batches.flat()], [[], [1]]);
});

for (const [kind, code] of [
  ['standby', 'standby'],
  ['away', 'store-unavailable'],
] as const) {
  t.test(`while the state is unknown because of ${kind}, asks are refused on this side`, async (t) => {
    notReady.ready = false;
    const { owner, heard, ask } = play(t, {}, () => notReady.ready);
    ask(1);
    await nextTurn();
    owner.say({ kind, reason: 'a reason' });
    ask(2);
    await nextTurn();
    t.strictSame(
      heard.filter((one) => typeof one !== 'string'),
      [
        [1, code],
        [2, code],
      ],
    );
    t.strictSame(owner.batches.flat(), []);
  });
}

t.test('an ask that waits for the state for too long is told that nothing was consumed', async (t) => {
  notReady.ready = false;
  const { owner, heard, ask, handle } = play(t, { askTimeoutMs: 20 }, () => notReady.ready);
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  await new Promise<void>((resolve) => {
    handle.ask(1, {
      settle: (outcome) => {
        heard.push(outcome);
        resolve();
      },
    });
  });
  t.strictSame(heard, ['not-ready']);
  notReady.ready = true;
  owner.serve();
  ask(2);
  await nextTurn();
  t.strictSame(owner.batches.flat(), [2]);
});

t.test('a stop refuses what has not reached the owner', async (t) => {
  notReady.ready = false;
  const { owner, heard, ask, handle } = play(t, {}, () => notReady.ready);
  ask(1);
  const stopped = handle.stop();
  t.strictSame(heard, [[1, 'shutting-down']]);
  t.match(owner.posted, [{ kind: 'stop' }]);
  owner.say({ kind: 'stopped' });
  await stopped;
});

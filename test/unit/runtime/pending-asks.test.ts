/** The table of asks: every asker hears exactly once, and what the owner still owes stays in order. */
import fc from 'fast-check';
import t from 'tap';
import type { ProblemCode } from '../../../src/errors.js';
import { PendingAsks } from '../../../src/runtime/pending-asks.js';

type Outcome = number | ProblemCode;

/** Notes the outcomes that it hears; more than one is what must never be. */
class Recorder {
  readonly heard: Outcome[] = [];
  settle(outcome: Outcome): void {
    this.heard.push(outcome);
  }
}

function raise(error: unknown): never {
  throw error;
}

function tableOf(limit: number, messages: number[], now = 0) {
  const asks = new PendingAsks(limit, raise);
  const askers = messages.map((message) => {
    const asker = new Recorder();
    asks.add(message, asker, now);
    return asker;
  });
  return { asks, askers, heard: () => askers.map(({ heard }) => heard) };
}

t.test('replies go to the asks in their order', async (t) => {
  const { asks, heard } = tableOf(4, [1, 2, 3]);
  asks.settleNext(10);
  asks.settleNext('sequence-exhausted');
  t.strictSame(heard(), [[10], ['sequence-exhausted'], []]);
  t.equal(asks.count, 1);
});

t.test('an asker that throws keeps no other from its outcome, and is reported', async (t) => {
  const errors: unknown[] = [];
  const asks = new PendingAsks(8, (error) => errors.push(error));
  const fault = new Error('a fault of the test');
  const bad = {
    settle(): never {
      throw fault;
    },
  };
  const good = [new Recorder(), new Recorder(), new Recorder()] as const;
  for (const asker of [bad, good[0], bad, good[1], bad, good[2]]) asks.add(1, asker, 0);
  asks.settleNext(1);
  asks.settleNext(2);
  asks.expire(0);
  asks.leaveOut(4, 'poisoned');
  asks.settleAll('internal');
  t.strictSame(errors, [fault, fault, fault]);
  t.strictSame(
    good.map(({ heard }) => heard),
    [[2], ['ask-timeout'], ['ask-timeout']],
  );
});

t.test('the table is full at its limit, also when that is no power of two', async (t) => {
  const { asks } = tableOf(3, [1, 2]);
  t.notOk(asks.full);
  asks.add(3, new Recorder(), 0);
  t.ok(asks.full);
  t.throws(() => asks.add(4, new Recorder(), 0), /no room/);
  asks.settleNext(1);
  t.notOk(asks.full);
});

t.test('a message beyond those of behaviors is an error', async (t) => {
  t.throws(() => tableOf(4, [255]), /no room/);
  t.doesNotThrow(() => tableOf(4, [254]));
});

t.test('a reply to nothing is an error', async (t) => {
  const { asks } = tableOf(4, [1]);
  asks.settleNext(1);
  t.throws(() => asks.settleNext(2), /replied to nothing/);
});

t.test('an ask that expired is told once, keeps its place, and swallows its late reply', async (t) => {
  const { asks, heard } = tableOf(4, [1, 2], 100);
  asks.add(3, new Recorder(), 200);
  t.equal(asks.expire(99), 0, 'not before its time');
  t.equal(asks.expire(100), 2, 'from its time on');
  t.equal(asks.expire(150), 0, 'and not twice');
  t.strictSame(heard(), [['ask-timeout'], ['ask-timeout']]);
  t.strictSame([...asks.unanswered()], [1, 2, 3], 'the owner still owes them');
  asks.settleNext(10);
  asks.settleNext(11);
  t.strictSame(heard(), [['ask-timeout'], ['ask-timeout']]);
  t.equal(asks.count, 1);
  t.equal(asks.oldestAt, 200);
});

t.test('the oldest ask is the oldest that the owner owes', async (t) => {
  const asks = new PendingAsks(4, raise);
  t.equal(asks.oldestAt, undefined);
  asks.add(1, new Recorder(), 5);
  asks.add(1, new Recorder(), 7);
  t.equal(asks.oldestAt, 5);
  asks.settleNext(0);
  t.equal(asks.oldestAt, 7);
  asks.settleNext(0);
  t.equal(asks.oldestAt, undefined);
});

t.test('a poisoned ask is answered, never sent again, and never owed a reply', async (t) => {
  const { asks, heard } = tableOf(8, [1, 2, 3, 4]);
  asks.settleNext(10);
  t.equal(asks.positionOf(1), 2);
  t.equal(asks.messageAt(2), 3);
  asks.leaveOut(2, 'poisoned');
  t.strictSame([...asks.unanswered()], [2, 4]);
  t.equal(asks.positionOf(1), 3, 'the ones behind it move up');
  asks.settleNext(20);
  asks.settleNext(40);
  t.strictSame(heard(), [[10], [20], ['poisoned'], [40]]);
  t.equal(asks.count, 0);
});

t.test('a poisoned ask at the head, or alone, leaves at once', async (t) => {
  const { asks, heard } = tableOf(8, [1, 2]);
  asks.leaveOut(0, 'poisoned');
  t.equal(asks.count, 1);
  asks.leaveOut(1, 'poisoned');
  t.equal(asks.count, 0);
  t.strictSame(heard(), [['poisoned'], ['poisoned']]);
  t.throws(() => asks.leaveOut(1, 'poisoned'), /no such ask/);
});

t.test('there is no position past the tail, nor before the head', async (t) => {
  const { asks } = tableOf(4, [1, 2]);
  t.equal(asks.positionOf(2), undefined);
  t.equal(asks.positionOf(-1), undefined);
});

t.test('an expired ask that was never sent is told that nothing was consumed, and is left out', async (t) => {
  const { asks, heard } = tableOf(8, [1, 2, 3], 100);
  t.equal(asks.expire(100, 1), 3);
  t.strictSame(heard(), [['ask-timeout'], ['not-ready'], ['not-ready']]);
  t.strictSame([...asks.unanswered()], [1]);
  asks.settleNext(5);
  t.equal(asks.count, 0);
});

t.test('what is left out from a position on was never there for the owner', async (t) => {
  const { asks, heard } = tableOf(8, [1, 2, 3]);
  asks.leaveOut(1, 'internal');
  asks.leaveOutFrom(1, 'standby');
  t.strictSame(heard(), [[], ['internal'], ['standby']]);
  t.strictSame([...asks.unanswered()], [1]);
  t.strictSame([...asks.unanswered(0, 0)], []);
  asks.settleNext(5);
  t.strictSame([heard()[0], asks.count], [[5], 0]);
});

t.test('at the end every ask hears of it, once, and the expired ones nothing more', async (t) => {
  const { asks, heard } = tableOf(4, [1, 2], 0);
  asks.expire(0);
  const late = new Recorder();
  asks.add(3, late, 1);
  asks.settleAll('internal');
  t.strictSame([...heard(), late.heard], [['ask-timeout'], ['ask-timeout'], ['internal']]);
  t.equal(asks.count, 0);
});

t.test('it behaves as a plain list over many rounds of the ring', async (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), value: fc.nat(254) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle' as const), value: fc.nat(99) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), value: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leaveOut' as const), value: fc.nat(9) }) },
  );
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 80 }), agreesWithList), {
    numRuns: 2_000,
  });
  t.pass();
});

interface Entry {
  readonly message: number;
  readonly asker: Recorder;
  readonly at: number;
  out: boolean;
  heard: Outcome | undefined;
}

function agreesWithList(limit: number, steps: { kind: string; value: number }[]): boolean {
  const asks = new PendingAsks(limit, raise);
  const all: Entry[] = [];
  let owed: Entry[] = [];
  const trim = () => {
    while (owed[0]?.out) owed.shift();
  };
  steps.forEach(({ kind, value }, now) => {
    const present = owed.filter(({ out }) => !out);
    if (kind === 'add' && owed.length < limit) {
      const entry = { message: value, asker: new Recorder(), at: now, out: false, heard: undefined };
      asks.add(value, entry.asker, now);
      all.push(entry);
      owed.push(entry);
    } else if (kind === 'settle' && present.length > 0) {
      asks.settleNext(value);
      (present[0] as Entry).heard ??= value;
      owed = owed.slice(1);
      trim();
    } else if (kind === 'expire') {
      asks.expire(now - value);
      for (const entry of owed) if (entry.at <= now - value) entry.heard ??= 'ask-timeout';
    } else if (kind === 'leaveOut') {
      const entry = present[value];
      const position = asks.positionOf(value);
      if (entry === undefined || position === undefined) {
        if (entry !== position) throw new Error('they disagree on the tail');
        return;
      }
      if (asks.messageAt(position) !== entry.message) throw new Error('another message');
      asks.leaveOut(position, 'poisoned');
      entry.heard ??= 'poisoned';
      entry.out = true;
      trim();
    }
    const messages = owed.filter(({ out }) => !out).map(({ message }) => message);
    if (asks.count !== owed.length || [...asks.unanswered()].join() !== messages.join())
      throw new Error(kind);
  });
  return all.every(({ asker, heard }) => asker.heard.join() === (heard === undefined ? '' : `${heard}`));
}

/** Forged histories that the checker must refuse, each beside a neighbour that it must accept; and its speed. */
import t from 'tap';
import type { Operation } from '../../support/history.js';
import { checkHistory } from '../../support/linearizability.js';

const ok = (kind: Operation['kind'], start: number, end: number, index: number): Operation => ({
  kind,
  start,
  end,
  outcome: 'ok',
  index,
});
const next = (start: number, end: number, index: number) => ok('next', start, end, index);
const current = (start: number, end: number, index: number) => ok('current', start, end, index);
const previous = (start: number, end: number, index: number) => ok('previous', start, end, index);
const unknown = (start: number, end: number): Operation => ({ kind: 'next', start, end, outcome: 'unknown' });
const failed = (start: number, end: number): Operation => ({ kind: 'next', start, end, outcome: 'failed' });

t.test('one client after another is accepted, and counted', async (t) => {
  const history = [current(0, 1, 0), next(2, 3, 1), previous(4, 5, 0), next(6, 7, 2), previous(8, 9, 1)];
  t.strictSame(checkHistory([...history, failed(10, 11), unknown(12, 13)]), {
    ok: true,
    stats: { operations: 7, nexts: 2, reads: 3, failed: 1, unknownNexts: 1, gaps: 0, highestIndex: 2 },
  });
  t.match(checkHistory([]), { ok: true, stats: { highestIndex: 0 } });
});

t.test('a number handed out twice is a repeat', async (t) => {
  const [one, other] = [next(0, 9, 1), next(0, 9, 1)];
  t.match(checkHistory([one, other]), { ok: false, violation: { kind: 'repeat', operations: [one, other] } });
});

t.test('a number from before the history began is a repeat', async (t) => {
  t.match(checkHistory([next(0, 1, 7)], { initialIndex: 7 }), { violation: { kind: 'repeat' } });
  t.ok(checkHistory([next(0, 1, 8)], { initialIndex: 7 }).ok);
});

t.test('a smaller number that was asked for after a larger one had come is out of order', async (t) => {
  const [late, early] = [next(5, 6, 1), next(0, 4, 2)];
  t.match(checkHistory([late, early]), { violation: { kind: 'order', operations: [early, late] } });
  t.ok(checkHistory([next(4, 6, 1), early]).ok, 'they overlap');
});

t.test('a number that nobody received is a gap', async (t) => {
  const [before, after] = [next(0, 1, 1), next(2, 3, 3)];
  t.match(checkHistory([before, after]), { violation: { kind: 'gap', operations: [before, after] } });
  t.match(
    checkHistory([before, after, failed(0, 1)]),
    { violation: { kind: 'gap' } },
    'failed explains none',
  );
});

t.test('an unknown next explains one gap, if it had started in time', async (t) => {
  t.match(checkHistory([unknown(0, 1), next(2, 3, 2)]), { ok: true, stats: { gaps: 1 } });
  t.ok(checkHistory([unknown(3, 4), next(2, 3, 2)]).ok, 'it started in the instant of the end');
  const late = unknown(4, 5);
  t.match(checkHistory([late, next(2, 3, 2)]), { violation: { kind: 'gap', operations: [{}, late] } });
  t.match(checkHistory([unknown(0, 1), next(2, 3, 3)]), { violation: { kind: 'gap' } }, 'one is not two');
  t.ok(checkHistory([unknown(0, 1), unknown(0, 1), next(2, 3, 3)]).ok);
});

t.test('an unknown next may execute long after its client gave up', async (t) => {
  t.ok(checkHistory([unknown(0, 1), next(10, 11, 1), current(20, 21, 1), next(30, 31, 3)]).ok);
});

t.test('two gaps need unknowns that were in time for each', async (t) => {
  const numbers = [next(0, 3, 2), next(0, 9, 4)];
  t.ok(checkHistory([unknown(2, 2), unknown(8, 8), ...numbers]).ok);
  t.match(checkHistory([unknown(4, 4), unknown(8, 8), ...numbers]), { violation: { kind: 'gap' } });
});

t.test('a read of a state that was over is stale', async (t) => {
  const writes = [next(0, 1, 1), next(2, 3, 2)];
  const stale = current(4, 5, 1);
  t.match(checkHistory([...writes, stale]), {
    violation: { kind: 'stale-read', operations: [writes[1], stale] },
  });
  t.ok(checkHistory([...writes, current(3, 5, 1)]).ok);
  t.match(checkHistory([...writes, previous(4, 5, 0)]), { violation: { kind: 'stale-read' } });
  t.ok(checkHistory([...writes, previous(4, 5, 1)]).ok);
});

t.test('reads that go backwards are stale, also while the write is pending', async (t) => {
  const write = next(0, 9, 1);
  t.match(checkHistory([write, current(1, 2, 1), current(3, 4, 0)]), { violation: { kind: 'stale-read' } });
  t.ok(checkHistory([write, current(1, 2, 0), current(3, 4, 1)]).ok);
});

t.test('a read of a number whose next had not begun is from the future', async (t) => {
  const [read, write] = [current(0, 1, 1), next(2, 3, 1)];
  t.match(checkHistory([read, write]), { violation: { kind: 'from-the-future', operations: [read, write] } });
  t.ok(checkHistory([current(0, 2, 1), write]).ok);
});

t.test('a read of a number that no next can have made is from the future', async (t) => {
  t.match(checkHistory([current(0, 1, 1)]), { violation: { kind: 'from-the-future' } });
  t.match(checkHistory([current(0, 1, 1), unknown(2, 3)]), { violation: { kind: 'from-the-future' } });
  t.ok(checkHistory([current(0, 2, 1), unknown(2, 3)]).ok);
  const acknowledgedLater = [current(0, 1, 1), unknown(2, 3), next(4, 5, 2)];
  t.match(checkHistory(acknowledgedLater), { violation: { kind: 'from-the-future' } });
});

t.test('a previous of 0 fits the states 0 and 1, and no other', async (t) => {
  const writes = [next(0, 1, 1), next(4, 5, 2)];
  t.ok(checkHistory([previous(2, 3, 0), ...writes]).ok);
  t.ok(checkHistory([previous(0, 0, 0), ...writes]).ok);
  t.match(checkHistory([previous(6, 7, 0), ...writes]), { violation: { kind: 'stale-read' } });
  t.match(checkHistory([previous(0, 1, 0)], { initialIndex: 2 }), { violation: { kind: 'stale-read' } });
});

t.test('the state found at the end is held against the history', async (t) => {
  const history = [next(0, 1, 1), next(2, 3, 2)];
  t.ok(checkHistory(history, { finalIndex: 2 }).ok);
  t.match(checkHistory(history, { finalIndex: 1 }), { violation: { kind: 'stale-read' } }, 'lost');
  t.match(checkHistory(history, { finalIndex: 3 }), { violation: { kind: 'from-the-future' } });
  t.match(checkHistory([...history, unknown(9, 9)], { finalIndex: 3 }), { ok: true, stats: { gaps: 1 } });
});

t.test('an absurd index is refused without memory for all below it', async (t) => {
  t.match(checkHistory([next(0, 1, Number.MAX_SAFE_INTEGER)]), { violation: { kind: 'gap' } });
});

t.test('a record that cannot be is an error, not a verdict', async (t) => {
  t.throws(() => checkHistory([next(2, 1, 1)]), RangeError);
  t.throws(() => checkHistory([next(Number.NaN, 1, 1)]), RangeError);
  t.throws(() => checkHistory([next(0, 1, 1.5)]), RangeError);
  t.throws(() => checkHistory([{ kind: 'next', start: 0, end: 1, outcome: 'ok' }]), RangeError);
});

t.test('a million operations are judged, and the one bad among them is found', async (t) => {
  const operations = Array.from({ length: 1_000_000 }, (_, at): Operation => {
    const index = Math.floor(at / 2) + 1;
    if (at % 2 === 1) return current(at, at + 50, index);
    return index % 100 === 0 ? unknown(at - 50, at) : next(at - 50, at, index);
  });
  t.match(checkHistory(operations), { ok: true, stats: { gaps: 5_000, highestIndex: 500_000 } });
  const stale = current(900_000, 900_001, 100_000);
  operations[900_001] = stale;
  t.match(checkHistory(operations), { violation: { kind: 'stale-read', operations: [{}, stale] } });
});

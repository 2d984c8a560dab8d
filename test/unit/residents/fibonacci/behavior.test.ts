/** The sequence as an actor: its turns, and its state in the store. */
import t from 'tap';
import { FibonacciBehavior, indexText, storedIndex } from '../../../../src/residents/fibonacci/behavior.js';
import { CURRENT, NEXT, PREVIOUS } from '../../../../src/residents/fibonacci/messages.js';
import { LINK_PROBLEMS, NUMBER_REPLY, PROBLEM } from '../../../../src/runtime/link/reply-kind.js';

const behavior = new FibonacciBehavior({ initialIndex: 2, maxIndex: 3 }, async () => undefined);

t.test('next moves and shows the new index, the others only look', async (t) => {
  const shows = (message: number, state: number) => {
    const { kind, detail, change } = behavior.turn(message, state);
    t.equal(kind, NUMBER_REPLY);
    return { shown: detail, state: change?.state };
  };
  t.strictSame(shows(PREVIOUS, 0), { shown: 0, state: undefined }, 'there is nothing before the start');
  t.strictSame(shows(CURRENT, 0), { shown: 0, state: undefined });
  t.strictSame(shows(NEXT, 0), { shown: 1, state: 1 });
  t.strictSame(shows(PREVIOUS, 2), { shown: 1, state: undefined });
  t.strictSame(shows(NEXT, 2), { shown: 3, state: 3 });
  t.strictSame(shows(CURRENT, 3), { shown: 3, state: undefined });
  t.throws(() => behavior.turn(3, 0), RangeError);
});

t.test('the end of the sequence is told, and moves nothing', async (t) => {
  const { kind, detail, change } = behavior.turn(NEXT, 3);
  t.equal(kind, PROBLEM);
  t.equal(LINK_PROBLEMS[detail], 'sequence-exhausted');
  t.equal(change, undefined);
});

t.test('an index comes back from its stored text, and nothing else does', async (t) => {
  for (const index of [0, 1, 93, 100_000_000]) {
    t.equal(storedIndex(behavior.encode(index, '0.3.17')), index);
    t.strictSame(behavior.load(indexText(index, '0.3.17')), { state: index, bytes: 0, commit: '0.3.17' });
  }
  const text = indexText(4711, '0.3.17');
  for (const damaged of [
    '',
    '4711',
    text.replace('4711', '4712'),
    text.replace('"version":1', '"version":2'),
  ]) {
    t.throws(() => storedIndex(damaged), { code: 'state-unreadable' }, damaged);
  }
  t.strictSame(
    behavior.load(undefined),
    { state: 2, bytes: 0, commit: '' },
    'a fresh sequence begins at INITIAL_INDEX',
  );
});

t.test(
  'the value of the replaced service is carried over, and anything else in its place is refused',
  async (t) => {
    const after = (value: string | undefined) =>
      new FibonacciBehavior({ initialIndex: 0, maxIndex: 1e8 }, async () => value).inherited('5.1.0');
    t.equal(await after(undefined), undefined);
    t.equal(await after('4181'), indexText(19, '5.1.0'));
    await t.rejects(after('4182'), { code: 'predecessor-invalid' });
  },
);

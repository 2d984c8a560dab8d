/** What a behavior may return: nothing else is committed, or leaves. */
import t from 'tap';
import { type Behavior, type Turn, takeTurn } from '../../../src/actor/behavior.js';

const STATE = 5;

function returning(turn: unknown): Behavior {
  return { actor: 'odd', receive: () => turn as Turn };
}

t.test('a turn within the rules is passed on as it is', async (t) => {
  for (const turn of [
    { state: STATE, reply: 0 },
    { state: 0, reply: Number.MAX_SAFE_INTEGER },
    { state: Number.MAX_SAFE_INTEGER, reply: 1 },
    { state: STATE, reply: 'sequence-exhausted' },
  ]) {
    t.equal(takeTurn(returning(turn), STATE, 1), turn);
  }
});

const ODD_NUMBERS = [-1, Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53, '7', 7n, null, undefined];

t.test('a state or a reply that is no count is an error that names behavior and message', async (t) => {
  for (const odd of ODD_NUMBERS) {
    const name = /the behavior odd answered message 1 at state 5/;
    t.throws(() => takeTurn(returning({ state: odd, reply: 1 }), STATE, 1), name, `state ${odd}`);
    t.throws(() => takeTurn(returning({ state: 1, reply: odd }), STATE, 1), name, `reply ${odd}`);
  }
});

t.test('a refusal that no behavior has, or that changes the state, is an error', async (t) => {
  t.throws(() => takeTurn(returning({ state: STATE, reply: 'store-unavailable' }), STATE, 1), RangeError);
  t.throws(
    () => takeTurn(returning({ state: STATE + 1, reply: 'sequence-exhausted' }), STATE, 1),
    RangeError,
  );
});

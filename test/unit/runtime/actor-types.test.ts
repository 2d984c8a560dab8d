/**
 * What must compile in a definition, and what must not: the compiler is the test, as a part of every build. An expected error
 * that is missing fails the build as well.
 */
import t from 'tap';
import * as v from 'valibot';
import { actor, type Context, refuse } from '../../../src/runtime/actor.js';
import { checkDefinitions } from '../../../src/runtime/definition.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const tickets = actor({
  name: 'tickets',
  initial: (key) => ({ next: 1, left: 100, city: key.toUpperCase() }),
  commands: {
    take({ next, left, city }, { seats }: { seats: number }, context) {
      same<typeof next, number>(true);
      same<typeof context, Context>(true);
      if (seats > left) return refuse('sold-out', { left });
      return { state: { next: next + seats, left: left - seats, city }, reply: { from: next, seats } };
    },
    close: () => ({ forget: true }),
    touch: () => ({}),
    checked: {
      input: v.object({ seats: v.pipe(v.string(), v.transform(Number)) }),
      run(state, { seats }) {
        same<typeof seats, number>(true);
        same<typeof state.next, number>(true);
        return { reply: seats + state.next };
      },
    },
  },
  queries: {
    left: ({ left }) => ({ left }),
    of: ({ left }, { day }: { day: string }) => `${left} on ${day}`,
    maybe: ({ left }, input: { day?: string } | undefined) => (input?.day === undefined ? null : left),
    page: { input: v.object({ n: v.pipe(v.string(), v.transform(Number)) }), run: (_, { n }) => n + 1 },
  },
});

interface Game {
  readonly moves: readonly string[];
  readonly winner: string | null;
  readonly note?: string;
}

const game = actor({
  name: 'game',
  version: 2,
  initial: (): Game => ({ moves: [], winner: null }),
  commands: {
    move: (state, square: string) => ({ state: { ...state, moves: [...state.moves, square] } }),
    win: (state, by: string) =>
      state.winner === null ? { state: { ...state, winner: by } } : refuse('over'),
  },
  migrate: { 1: (old: { moves: string[] }) => ({ ...old, winner: null }) },
});

const wallet = actor({
  name: 'wallet',
  initial: 0n,
  commands: { add: (cents, by: string) => ({ state: cents + BigInt(by) }) },
});

// State may be null, too.
const flip = actor({ name: 'switch', initial: null, commands: { flip: () => ({ state: null }) } });

actor({
  name: 'wrong',
  initial: { n: 0 },
  commands: {
    // @ts-expect-error a state of another shape
    shape: ({ n }) => ({ state: { m: n } }),
    // @ts-expect-error a command returns an object
    nothing: () => {},
    // @ts-expect-error a turn is synchronous
    late: async () => ({}),
    // @ts-expect-error a refusal has a code
    codeless: () => ({ refuse: { status: 409 } }),
    // @ts-expect-error the state has no such member
    missing: (state) => ({ reply: state.missing }),
  },
});

actor({
  name: 'wrong',
  initial: { n: 0 },
  commands: {
    // @ts-expect-error an unknown member of a result
    send: ({ n }) => ({ reply: n, send: 'mail' }),
  },
});

actor({
  name: 'wrong',
  initial: { n: 0 },
  commands: {},
  queries: {
    // @ts-expect-error search parameters are strings
    page: ({ n }, { page }: { page: number }) => n + page,
  },
});

actor({
  name: 'wrong',
  initial: { n: 0 },
  commands: {
    // @ts-expect-error `run` takes the output of its schema
    add: {
      input: v.object({ by: v.number() }),
      run: (state, { by }: { by: string }) => ({ reply: by + state.n }),
    },
  },
});

actor({
  name: 'wrong',
  initial: { n: 0 },
  commands: {
    // @ts-expect-error an input without a type or a schema is unknown
    add: ({ n }, input) => ({ state: { n: n + input.by } }),
  },
});

// @ts-expect-error no name
actor({ initial: 0, commands: { inc: () => ({}) } });

// @ts-expect-error no initial state
actor({ name: 'wrong', commands: { inc: () => ({}) } });

// @ts-expect-error no commands
actor({ name: 'wrong', initial: 0 });

// @ts-expect-error an unknown member of a definition
actor({ name: 'wrong', initial: 0, commands: { inc: () => ({}) }, timers: {} });

// @ts-expect-error undefined is no state
actor({ name: 'wrong', initial: undefined, commands: { inc: () => ({}) } });

// @ts-expect-error a code is a string
refuse(404);

t.test('what compiles is a definition', async (t) => {
  const definitions = checkDefinitions([{ place: 'types.js', exported: [tickets, game, wallet, flip] }]);
  t.strictSame(
    definitions.map(({ name }) => name),
    ['tickets', 'game', 'wallet', 'switch'],
  );
});

/** One turn: what an actor does, right or wrong, comes back as a result, and its state is what a restart would load. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import * as v from 'valibot';
import { refuse } from '../../../src/runtime/actor.js';
import { checkDefinitions, type Definition } from '../../../src/runtime/definition.js';
import { replyText } from '../../../src/runtime/reply-text.js';
import { decodeState, stateText } from '../../../src/runtime/state-text.js';
import { takeTurn } from '../../../src/runtime/turn.js';
import type { TurnResult } from '../../../src/runtime/turn-result.js';
import { type Sealed, seal } from '../../../src/runtime/values.js';

const context = { actor: 'room', key: 'berlin', now: 1000, id: 'turn-1', caller: undefined };
const limits = { stateBytes: 1000, replyBytes: 500, largeBigintBits: 1024 };

type Handler = (state: never, input: never, context: never) => unknown;

function room(members: object): Definition {
  const exported = { name: 'room', initial: { n: 1 }, commands: { noop: () => ({}) }, ...members };
  const [definition] = checkDefinitions([{ place: 'room.js', exported }]);
  if (!definition) throw new Error('no definition');
  return definition;
}

function ask(definition: Definition, name: string, state?: Sealed, input?: string): TurnResult {
  const message = definition.messages.get(name);
  if (!message) throw new Error(`no message ${name}`);
  return takeTurn(definition, message, state, input, context, limits);
}

function command(run: Handler | object, state?: Sealed, input?: string): TurnResult {
  return ask(room({ commands: { run } }), 'run', state, input);
}

function query(run: Handler | object, input?: string): TurnResult {
  return ask(room({ queries: { run } }), 'run', undefined, input);
}

const stored = seal({ n: 7 }, 'state');

t.test('a command gets state, input and context, and its outcome is a reply and a state', async (t) => {
  const run = (state: { n: number }, input: unknown, given: unknown) => ({
    state: { n: state.n + 1 },
    reply: { state, input, given },
  });
  t.match(command(run, stored, '{"a":[1]}'), {
    kind: 'replied',
    reply: {
      kind: 'text',
      text: JSON.stringify({ state: { n: 7 }, input: { a: [1] }, given: { ...context, caller: undefined } }),
    },
    next: { kind: 'changed', state: { value: { n: 8 } } },
  });
});

t.test('a key without a state starts from initial, and has one with its first change', async (t) => {
  const definition = room({
    initial: (key: string) => ({ key }),
    commands: {
      look: (state: unknown) => ({ reply: state }),
      keep: (state: unknown) => ({ state }),
      drop: () => ({ forget: true }),
    },
    queries: { see: (state: unknown) => state },
  });
  const reply = { kind: 'text', text: '{"key":"berlin"}' };
  t.match(ask(definition, 'look'), { kind: 'replied', reply, next: { kind: 'unchanged' } });
  t.match(ask(definition, 'see'), { kind: 'replied', reply, next: { kind: 'unchanged' } });
  t.match(ask(definition, 'keep'), { next: { kind: 'changed', state: { value: { key: 'berlin' } } } });
  t.match(ask(definition, 'keep', stored), { next: { kind: 'unchanged' } }, 'the same state is no change');
  t.match(ask(definition, 'drop'), { next: { kind: 'unchanged' } }, 'there is nothing to forget');
  t.match(ask(definition, 'drop', stored), {
    kind: 'replied',
    reply: { kind: 'none' },
    next: { kind: 'forgotten' },
  });
});

t.test('an initial state that cannot be kept fails the turn', async (t) => {
  for (const [initial, reason] of [
    [() => ({ at: new Date() }), /room.noop returned a value that cannot be used: initial.at is a Date/],
    [
      () => {
        throw new Error('odd');
      },
      /room.noop threw: odd/,
    ],
    [() => 'x'.repeat(2000), /initial is larger than 1000 bytes/],
    [() => undefined, /initial is undefined/],
  ] as const) {
    t.match(ask(room({ initial }), 'noop'), { kind: 'failed', code: 'behavior-failed', reason });
  }
});

t.test('a refusal is a value with a status', async (t) => {
  const refusals: [unknown, object][] = [
    [refuse('sold-out'), { code: 'sold-out', status: 409, details: { kind: 'none' } }],
    [
      refuse('sold-out', { left: 5n }),
      { code: 'sold-out', status: 409, details: { kind: 'text', text: '{"left":5}' } },
    ],
    [refuse('gone', null, 410), { code: 'gone', status: 410, details: { kind: 'text', text: 'null' } }],
    [
      { refuse: { code: 'no' }, state: undefined, forget: false },
      { code: 'no', status: 409, details: { kind: 'none' } },
    ],
  ];
  for (const [refusal, expected] of refusals) {
    t.strictSame(
      command(() => refusal, stored),
      { kind: 'refused', ...expected },
    );
    if (Object.keys(refusal as object).length === 1)
      t.strictSame(
        query(() => refusal),
        { kind: 'refused', ...expected },
      );
  }
});

t.test('what is no outcome is behavior-failed, and the sentence says why', async (t) => {
  const outcomes: [unknown, RegExp][] = [
    [undefined, /^room.run returned what is undefined; a command returns/],
    [null, /returned what is null/],
    [5, /returned what is a number/],
    [[], /returned what is an Array/],
    [new Map(), /returned what is a Map/],
    [() => ({}), /returned what is a function/],
    [Promise.reject(new Error('late')), /^room.run returned a promise; a turn is synchronous$/],
    [{ send: 1 }, /returned the unknown member "send"; there are state, reply, refuse, forget/],
    [{ send: undefined }, /unknown member "send"/],
    [{ forget: 'yes' }, /a forget that is not true or false/],
    [{ forget: true, state: 1 }, /a state and forget/],
    [{ refuse: { code: 'no' }, reply: 1 }, /a refusal with a state, a reply or forget/],
    [{ refuse: { code: 'no' }, state: 1 }, /a refusal with/],
    [{ refuse: { code: 'no' }, forget: true }, /a refusal with/],
    [{ refuse: 'no' }, /a refusal that is no object/],
    [{ refuse: {} }, /a refusal without a code/],
    [{ refuse: { code: 5 } }, /a refusal without a code/],
    [{ refuse: { code: 'no', status: 200 } }, /a refusal whose status is not a number from 400 to 499/],
    [{ refuse: { code: 'no', status: 500 } }, /whose status/],
    [{ refuse: { code: 'no', status: '409' } }, /whose status/],
    [
      { refuse: { code: 'no', why: 1 } },
      /the unknown member "why" in a refusal; there are code, status, details/,
    ],
    [{ refuse: { code: 'no', details: new Date() } }, /details is a Date/],
    [{ refuse: { code: 'no', details: 'x'.repeat(501) } }, /details is larger than 500 bytes/],
    [{ state: { items: [{ when: new Date() }] } }, /cannot be used: state.items\[0\].when is a Date/],
    [{ state: Number.NaN }, /state is NaN/],
    [{ state: 'x'.repeat(1001) }, /state is larger than 1000 bytes/],
    [{ reply: () => 1 }, /reply is a function/],
    [{ reply: 'é'.repeat(250) }, /reply is larger than 500 bytes/],
    [{ reply: { later: Promise.reject(new Error('late')) } }, /reply.later is a Promise/],
  ];
  for (const [outcome, reason] of outcomes) {
    t.match(
      command(() => outcome, stored),
      { kind: 'failed', code: 'behavior-failed', reason, shown: reason, stack: undefined },
      String(reason),
    );
  }
  t.match(
    query(() => Promise.reject(new Error('late'))),
    { kind: 'failed', reason: /returned a promise/ },
  );
  t.match(
    query(() => new Date()),
    { kind: 'failed', reason: /reply is a Date/ },
  );
  // The rejections above are handled: else they would end this process.
  await new Promise((resolve) => setImmediate(resolve));
});

t.test('whatever is thrown is behavior-failed', async (t) => {
  const thrown: [unknown, RegExp][] = [
    [new TypeError('x is not a function'), /^room.run threw: x is not a function$/],
    ['text', /threw: text/],
    [undefined, /threw: undefined/],
    [Object.create(null), /threw: something that has no text/],
  ];
  for (const [value, reason] of thrown) {
    const result = command(() => {
      throw value;
    }, stored);
    t.match(result, {
      kind: 'failed',
      code: 'behavior-failed',
      reason,
      shown: /^room.run threw; the log of the server tells what$/,
    });
    t.equal(result.kind === 'failed' && typeof result.stack, value instanceof Error ? 'string' : 'undefined');
  }
  const hostile = Object.defineProperty(new Error('x'), 'stack', {
    get: () => {
      throw new Error('y');
    },
  });
  t.match(
    command(() => {
      throw hostile;
    }),
    { kind: 'failed', stack: undefined },
  );
  const endless = (): unknown => endless();
  t.match(command(endless), { kind: 'failed', reason: /Maximum call stack/ });
});

t.test('a state cannot be changed in place, not even one that was never stored', async (t) => {
  const mutate = (state: { n: number }) => {
    state.n = 5;
    return {};
  };
  for (const state of [stored, undefined]) {
    t.match(command(mutate, state), { kind: 'failed', reason: /Cannot assign to read only property 'n'/ });
  }
  t.match(query(mutate), { kind: 'failed' });
  const made = room({
    initial: () => ({ list: [] }),
    queries: { push: (state: { list: number[] }) => state.list.push(1) },
  });
  t.match(ask(made, 'push'), { kind: 'failed', reason: /object is not extensible/ });
});

t.test('a query returns its reply, whatever it looks like, and changes nothing', async (t) => {
  const next = { kind: 'unchanged' };
  for (const reply of [
    { state: 5, reply: 6 },
    { forget: true },
    [],
    0,
    null,
    { refuse: 'no' },
    { refuse: { code: 'x' }, a: 1 },
  ]) {
    t.strictSame(
      query(() => reply),
      { kind: 'replied', reply: { kind: 'text', text: JSON.stringify(reply) }, next },
    );
  }
  t.strictSame(
    query(() => undefined),
    { kind: 'replied', reply: { kind: 'none' }, next },
  );
  t.match(
    query((_state, input) => input, 'day=1&city=k%C3%B6ln'),
    { reply: { text: '{"day":"1","city":"köln"}' } },
  );
});

t.test('a bad input takes no turn', async (t) => {
  const run = () => t.fail('it was called');
  t.match(command(run, stored, '{'), {
    kind: 'invalid',
    code: 'bad-input',
    detail: /the body is not JSON/,
    issues: [],
  });
  t.match(command(run, stored, '9007199254740993'), { kind: 'invalid', code: 'input-inexact' });
  t.match(query(run, 'a=1&a=2'), { kind: 'invalid', code: 'bad-input' });
  const input = v.object({
    seats: v.number(),
    who: v.array(v.object({ name: v.string('a name is a text') })),
  });
  const result = command({ input, run }, stored, '{"seats":1,"who":[{"name":5}]}');
  t.strictSame(result, {
    kind: 'invalid',
    code: 'input-invalid',
    detail: 'who[0].name: a name is a text',
    issues: [{ message: 'a name is a text', path: 'who[0].name' }],
  });
  t.match(command({ input, run }, stored), {
    kind: 'invalid',
    code: 'input-invalid',
    issues: [{ path: '' }],
  });
});

t.test('a handler gets what its schema makes of the input', async (t) => {
  const input = v.object({ n: v.pipe(v.string(), v.transform(Number)), unit: v.optional(v.string(), 'cm') });
  t.match(query({ input, run: (_: unknown, given: unknown) => given }, 'n=5&x=1'), {
    reply: { text: '{"n":5,"unit":"cm"}' },
  });
  const late = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
  };
  t.match(command({ input: late, run: () => ({}) }), {
    kind: 'failed',
    reason: /has an asynchronous schema/,
  });
  const broken = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new Error('broken');
      },
    },
  };
  t.match(command({ input: broken, run: () => ({}) }), { kind: 'failed', reason: /threw: broken/ });
  await new Promise((resolve) => setImmediate(resolve));
});

t.test('a reply with a large bigint is left to the pool, and is counted', async (t) => {
  const result = command(() => ({ reply: { cents: 2n ** 1100n } }));
  t.ok(result.kind === 'replied' && result.reply.kind === 'large');
  if (result.kind === 'replied' && result.reply.kind === 'large') {
    t.equal(replyText(structuredClone(result.reply.checked)), `{"cents":${2n ** 1100n}}`);
  }
  t.match(
    command(() => ({ reply: 2n ** 1000n })),
    { reply: { kind: 'text', text: String(2n ** 1000n) } },
  );
  t.match(
    command(() => ({ reply: 2n ** 5000n })),
    { kind: 'failed', reason: /reply is larger than 500 bytes/ },
  );
});

t.test('what is in memory after a turn is what a restart would load', async () => {
  const odd = fc.oneof(
    fc.constant(undefined),
    fc.constant(-0),
    fc.bigInt(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.oneof(odd, fc.dictionary(fc.string(), odd)))),
      (state) => {
        const result = takeTurn(
          room({ commands: { run: () => ({ state }) } }),
          room({ commands: { run: () => ({ state }) } }).messageList[0] as never,
          undefined,
          undefined,
          context,
          { ...limits, stateBytes: 1e6 },
        );
        assert.ok(result.kind === 'replied' && result.next.kind === 'changed');
        assert.deepEqual(decodeState(stateText(result.next.state)).value, result.next.state.value);
      },
    ),
    { numRuns: 300 },
  );
});

t.test(
  'whatever an actor returns or throws is a result, and what changed is what a restart would load',
  async (t) => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      maxDepth: 2,
    });
    const value = fc.oneof(anything, fc.jsonValue());
    const outcome = fc.record(
      { state: value, reply: value, refuse: value, forget: fc.oneof(fc.boolean(), value) },
      { requiredKeys: [] },
    );
    const refusal = fc.record({
      refuse: fc.record(
        { code: fc.oneof(fc.string(), value), status: fc.oneof(fc.integer(), value), details: value },
        { requiredKeys: ['code'] },
      ),
    });
    const usable = fc.oneof(
      fc.record(
        { state: fc.jsonValue({ maxDepth: 2 }), reply: fc.jsonValue({ maxDepth: 2 }) },
        { requiredKeys: ['state'] },
      ),
      fc.constant({ forget: true }),
      fc.constant({}),
    );
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.oneof(usable, outcome, refusal, value),
        fc.boolean(),
        fc.option(fc.json(), { nil: undefined }),
        (given, throws, input) => {
          const run = () => {
            if (throws) throw given;
            return given;
          };
          const results = [command(run, stored, input), query(run, input)];
          for (const result of results) {
            const kind = result.kind === 'replied' ? result.next.kind : result.kind;
            seen.set(kind, (seen.get(kind) ?? 0) + 1);
            if (result.kind === 'failed') assert.ok(result.reason.startsWith('room.run '), result.reason);
            if (result.kind === 'refused')
              assert.ok(result.details.kind !== 'text' || JSON.parse(result.details.text) !== undefined);
            if (result.kind !== 'replied') continue;
            if (result.reply.kind === 'text') JSON.parse(result.reply.text);
            if (result.next.kind !== 'changed') continue;
            assert.deepEqual(decodeState(stateText(result.next.state)).value, result.next.state.value);
          }
        },
      ),
      // Random refusals are rare: one is always there.
      { numRuns: 500, examples: [[{ refuse: { code: 'no' } }, false, undefined]] },
    );
    // Else it has looked at nothing.
    for (const kind of ['changed', 'unchanged', 'forgotten', 'refused', 'failed']) t.ok(seen.get(kind), kind);
  },
);

/** A definition is checked as a whole at start: what is right becomes one form, and every mistake is reported. */
import t from 'tap';
import * as v from 'valibot';
import { actor } from '../../../src/runtime/actor.js';
import { checkDefinitions, type Definition } from '../../../src/runtime/definition.js';

const fine = { name: 'fine', initial: 0, commands: { inc: () => ({}) } };

function checked(exported: unknown): Definition {
  const [definition] = checkDefinitions([{ place: 'a.js', exported }]);
  if (!definition) throw new Error('no definition');
  return definition;
}

function mistakes(...exports: unknown[]): string[] {
  try {
    checkDefinitions(exports.map((exported, i) => ({ place: `${'abcdef'[i]}.js`, exported })));
  } catch (error) {
    t.match(error, { name: 'WarrenError', code: 'actor-invalid' });
    return (error as Error).message.split('\n  ').slice(1);
  }
  return [];
}

t.test('an actor and a plain object of the same shape become the same form', async (t) => {
  const written = {
    name: 'tickets',
    version: 2,
    initial: (key: string) => ({ key }),
    commands: {
      take: (state: unknown, input: unknown, context: unknown) => ({ reply: [state, input, context] }),
      checked: { input: v.string(), run: () => ({}) },
    },
    queries: { left: (state: unknown) => state },
    migrate: { 1: () => ({ key: 'old' }) },
  };
  for (const exported of [written, actor(written)]) {
    const definition = checked(exported);
    t.match(definition, { name: 'tickets', place: 'a.js', version: 2 });
    t.strictSame(
      definition.messageList.map(({ name, kind, index }) => [name, kind, index]),
      [
        ['take', 'command', 0],
        ['checked', 'command', 1],
        ['left', 'query', 2],
      ],
    );
    for (const message of definition.messageList) t.equal(definition.messages.get(message.name), message);
    t.equal(definition.messages.get('constructor'), undefined);
    t.strictSame(definition.messages.get('take')?.run(1, 2, 3), { reply: [1, 2, 3] });
    t.ok(definition.messages.get('checked')?.schema);
    t.strictSame(typeof definition.initial === 'function' && definition.initial('k'), { key: 'k' });
    t.equal(definition.migrations.length, 1);
    t.ok(Object.isFrozen(definition) && Object.isFrozen(definition.messageList));
  }
});

t.test('an initial value is frozen, and may be null', async (t) => {
  const initial = { seats: [1] };
  const definition = checked({ ...fine, initial });
  t.ok(Object.isFrozen(initial.seats));
  t.match(definition.initial, { value: { seats: [1] } });
  t.match(checked({ ...fine, initial: null }).initial, { value: null });
});

t.test('a module exports one actor, or several', async (t) => {
  const modules = [
    { place: 'a.js', exported: [fine, { ...fine, name: 'second' }] },
    { place: 'b.js', exported: { ...fine, name: 'third' } },
  ];
  t.strictSame(
    checkDefinitions(modules).map(({ name, place }) => [name, place]),
    [
      ['fine', 'a.js'],
      ['second', 'a.js'],
      ['third', 'b.js'],
    ],
  );
});

t.test('handlers may call each other by this', async (t) => {
  const definition = checked({
    ...fine,
    commands: {
      one() {
        return { reply: 1 };
      },
      both(this: { one(): object }) {
        return this.one();
      },
    },
  });
  t.strictSame(definition.messages.get('both')?.run(0, 0, 0), { reply: 1 });
});

t.test('each mistake has a sentence', async (t) => {
  const run = () => ({});
  const one: [unknown, RegExp][] = [
    [undefined, /^a.js: there is no default export$/],
    [null, /^a.js: the default export is no actor/],
    [() => fine, /^a.js: the default export is no actor/],
    [new Map(), /^a.js: the default export is no actor/],
    [[], /^a.js: the default export is an empty array$/],
    [[fine, 5], /^a.js: actor 2: the default export is no actor/],
    [{ initial: 0, commands: { run } }, /^a.js: it has no name$/],
    [{ ...fine, name: '' }, /it has no name/],
    [{ ...fine, name: 'Tickets' }, /^a.js: Tickets: the name must be/],
    [{ ...fine, name: '1st' }, /the name must be/],
    [{ ...fine, name: 'a/b' }, /the name must be/],
    [{ ...fine, name: 'a'.repeat(64) }, /the name must be/],
    [{ ...fine, name: 'health' }, /^a.js: health: the name is reserved$/],
    [{ ...fine, name: 'previous' }, /reserved/],
    [{ ...fine, timers: {} }, /^a.js: fine: "timers" is unknown; there are name, version, initial,/],
    [{ ...fine, [Symbol('s')]: 1 }, /"Symbol\(s\)" is unknown/],
    [{ ...fine, initial: undefined }, /initial is missing/],
    [{ ...fine, initial: { at: new Date() } }, /^a.js: fine: initial.at is a Date$/],
    [{ ...fine, initial: async () => 0 }, /initial: a turn is synchronous/],
    [{ ...fine, commands: undefined }, /commands must be an object of functions/],
    [{ ...fine, commands: [run] }, /commands must be an object of functions/],
    [{ ...fine, commands: {} }, /it has no commands/],
    [{ ...fine, queries: run }, /queries must be an object of functions/],
    [{ ...fine, commands: { 'a/b': run } }, /command a\/b: a name must be/],
    [{ ...fine, commands: { '': run } }, /command : a name must be/],
    [{ ...fine, commands: { '..': run } }, /command \.\.: a name must be/],
    [{ ...fine, commands: Object.fromEntries([['then', run]]) }, /command then: the name is reserved/],
    [{ ...fine, commands: { run: 5 } }, /command run: it must be a function, or an object/],
    [
      { ...fine, commands: { run: { run, output: 1 } } },
      /command run: "output" is unknown; there are input, run/,
    ],
    [{ ...fine, commands: { run: { input: v.string() } } }, /command run: run must be a function/],
    [{ ...fine, commands: { run: { input: {}, run } } }, /command run: input must be a Standard Schema/],
    [{ ...fine, commands: { run: async () => ({}) } }, /command run: a turn is synchronous/],
    [{ ...fine, commands: { *run() {} } }, /command run: a turn is synchronous/],
    [{ ...fine, queries: { inc: run } }, /query inc: there is a command of this name/],
    [{ ...fine, version: 0 }, /version must be a whole number from 1/],
    [{ ...fine, version: 1.5 }, /version must be/],
    [{ ...fine, version: '2' }, /version must be/],
    [{ ...fine, version: 4, migrate: { 2: run } }, /migrate: there is no step from version 1, 3$/],
    [{ ...fine, version: 2 }, /migrate: there is no step from version 1$/],
    [{ ...fine, version: 2, migrate: { 1: run, 2: run } }, /migrate: "2" is no version from 1 to 1/],
    [{ ...fine, version: 2, migrate: { 1: run, '01': run } }, /migrate: "01" is no version/],
    [{ ...fine, version: 2, migrate: { 1: 'run' } }, /the step from version 1 must be a function/],
    [{ ...fine, version: 2, migrate: { 1: async () => 1 } }, /a turn is synchronous/],
    [{ ...fine, migrate: [run] }, /migrate must be an object of functions/],
  ];
  for (const [exported, sentence] of one) {
    const found = mistakes(exported);
    t.equal(found.length, 1, found.join(' | '));
    t.match(found[0], sentence);
  }
});

t.test('all mistakes of all modules are reported at once', async (t) => {
  const found = mistakes(
    { name: 'Bad', extra: 1, commands: { a: 1 }, queries: { a: 2 }, version: -1 },
    fine,
    [fine, { ...fine, name: 'ready' }],
  );
  t.equal(found.length, 8, found.join('\n'));
  t.match(found.at(-2), /^c.js: fine: b.js has an actor of this name, too$/);
  t.match(found.at(-1), /^c.js: ready: the name is reserved$/);
});

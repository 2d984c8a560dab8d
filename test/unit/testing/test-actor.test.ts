/** The kit for tests of one's own actors: what it keeps, what it loses, and what it finds. */
import t from 'tap';
import * as v from 'valibot';
import { actor, refuse } from '../../../src/runtime/actor.js';
import { TestActor } from '../../../src/testing/test-actor.js';

let calls = 0;

const counter = actor({
  name: 'counter',
  version: 2,
  initial: { n: 0n },
  commands: {
    add: ({ n }, { by }: { by: number }) => ({ state: { n: n + BigInt(by) }, reply: n + BigInt(by) }),
    checked: { input: v.object({ by: v.number() }), run: () => ({ reply: 1 }) },
    stamp: (_state, _input: undefined, context) => ({ reply: { ...context, caller: null } }),
    drop: () => ({ forget: true }),
    no: () => refuse('no', { n: 2n ** 60n + 1n }),
    broken() {
      throw new Error('broken');
    },
    random: () => ({ reply: Math.random() }),
    counted: () => ({ reply: calls++ }),
  },
  queries: { n: ({ n }) => n, echo: (_state, input: { a: string; b?: string }) => input },
  migrate: { 1: (old: { n: number }) => ({ n: BigInt(old.n) }) },
});

t.test('it answers as a client would see it', async (t) => {
  const test = new TestActor(counter, { now: 5 });
  t.strictSame(await test.ask('a', 'add', { by: 2 }), { ok: true, reply: 2 });
  t.strictSame((await test.ask('a', 'add', { by: 2 ** 53 })).reply, 9007199254740994);
  t.strictSame((await test.ask('a', 'add', { by: 1 })).reply, 9007199254740995n);
  t.strictSame((await test.ask('b', 'n')).reply, 0);
  t.strictSame((await test.ask('a', 'echo', { a: 'x y' })).reply, { a: 'x y' });
  t.strictSame(await test.ask('a', 'no'), {
    ok: false,
    refusal: { code: 'no', status: 409, details: { n: 2n ** 60n + 1n } },
  });
  test.advance(10);
  t.equal(test.now, 15);
  t.match((await test.ask('a', 'stamp')).reply, { actor: 'counter', key: 'a', now: 15 });
  t.throws(() => test.advance(-1), /never goes back/);
});

t.test('what fails over HTTP is thrown with the same code', async (t) => {
  const test = new TestActor(counter);
  await t.rejects(test.ask('a', 'broken'), {
    name: 'TurnError',
    code: 'behavior-failed',
    message: 'counter.broken threw: broken',
  });
  await t.rejects(test.ask('a', 'checked', { by: 'x' } as never), { code: 'input-invalid' });
  await t.rejects(test.ask('a', 'nothing' as never), { code: 'not-found' });
  t.throws(() => new TestActor({ name: 'x' }), { code: 'actor-invalid' });
});

t.test('a function that is not pure is found', async (t) => {
  const test = new TestActor(counter);
  await t.rejects(test.ask('a', 'random'), {
    code: 'behavior-failed',
    message: /counter.random is not pure/,
  });
  await t.rejects(test.ask('a', 'counted'), /counter.counted is not pure/);
});

t.test('a restart keeps what is stored, and an old state comes forward', async (t) => {
  const test = new TestActor(counter);
  await test.ask('a', 'add', { by: 7 });
  test.restart();
  t.equal((await test.ask('a', 'n')).reply, 7);
  test.store('old', { n: 5 }, 1);
  t.equal((await test.ask('old', 'n')).reply, 5);
  t.strictSame(test.stored('old'), { n: 5 }, 'it is stored with its next change');
  await test.ask('old', 'add', { by: 1 });
  t.strictSame(test.stored('old'), { n: 6n });
  test.store('new', { n: 5n }, 3);
  await t.rejects(test.ask('new', 'n'), { code: 'state-unreadable', message: /has version 3/ });
  await test.ask('a', 'drop');
  t.equal(test.stored('a'), undefined);
  t.equal((await test.ask('a', 'n')).reply, 0);
});

t.test('a crash cuts the next commit, before it or after it, and no query', async (t) => {
  const test = new TestActor(counter);
  await test.ask('a', 'add', { by: 1 });
  test.crash('before-commit');
  t.equal((await test.ask('a', 'n')).reply, 1);
  await t.rejects(test.ask('a', 'add', { by: 1 }), { code: 'connection-lost' });
  t.equal((await test.ask('a', 'n')).reply, 1);
  test.crash('after-commit');
  await t.rejects(test.ask('a', 'add', { by: 1 }), { code: 'connection-lost' });
  t.equal((await test.ask('a', 'n')).reply, 2);
  t.equal((await test.ask('a', 'add', { by: 1 })).reply, 3, 'it is over');
});

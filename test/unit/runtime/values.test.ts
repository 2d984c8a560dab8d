/** What a state may hold, and that it is the same in memory, in the store and after a restart. */
import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import { replyText } from '../../../src/runtime/reply-text.js';
import { decodeState, sealState, stateText } from '../../../src/runtime/state-text.js';
import { check, MAX_DEPTH, type Sealed, seal } from '../../../src/runtime/values.js';

/** Names that have bitten somebody, among ordinary ones. */
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toJSON',
    '$bigint',
    '$$bigint',
    '$$$bigint',
    '$',
    'length',
    '0',
    '7',
  ),
);
const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    1e300,
    5e-324,
    Number.MAX_SAFE_INTEGER,
    '\ud800',
    '\udc00x',
    '{"$bigint":"1"}',
    0n,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.string({ unit: 'binary' }),
);

function objectOf(members: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of members) {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map(objectOf),
  ),
}));

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

t.test('every state comes back from the store as it was, with the same text', async () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const sealed = seal(value, 'state');
      const text = stateText(sealed);
      const back = decodeState(text);
      assert.deepEqual(back.value, sealed.value);
      assert.equal(stateText(back), text, 'the text is canonical');
      assert.ok(isDeeplyFrozen(sealed.value) && isDeeplyFrozen(back.value));
      assert.equal(sealed.value, value, 'nothing had to change, so nothing was copied');
      assert.equal(back.plain, sealed.plain);
    }),
    { numRuns: 1000 },
  );
});

t.test('the bounds hold for the text in the store, and for the text of a reply', async () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const checked = check(value, 'reply');
      for (const text of [stateText(checked as Sealed), replyText(checked)]) {
        const size = Buffer.byteLength(text);
        assert.ok(
          checked.leastBytes <= size && size <= checked.mostBytes,
          `${checked.leastBytes} ${size} ${checked.mostBytes}`,
        );
      }
    }),
    { numRuns: 1000 },
  );
});

t.test('the text of the store survives UTF-8', async () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const text = stateText(seal(value, 'state'));
      assert.equal(Buffer.from(text).toString(), text);
    }),
    { numRuns: 500 },
  );
});

t.test('a bigint is hexadecimal in the store, and what looks like one is not one', async (t) => {
  const texts: [unknown, string][] = [
    [5n, '{"$bigint":"5"}'],
    [-255n, '{"$bigint":"-ff"}'],
    [[1, 0n], '[1,{"$bigint":"0"}]'],
    [{ $bigint: '5' }, '{"$$bigint":"5"}'],
    [{ $$bigint: 5n }, '{"$$$bigint":{"$bigint":"5"}}'],
    [{ $bigint: '5', a: 1 }, '{"$bigint":"5","a":1}'],
    [{ $bigint: '5', a: undefined }, '{"$$bigint":"5"}'],
    [{ bigint: '5' }, '{"bigint":"5"}'],
  ];
  for (const [value, text] of texts) {
    const sealed = seal(value, 'state');
    t.equal(stateText(sealed), text);
    t.strictSame(decodeState(text).value, sealed.value);
  }
});

t.test('what JSON would change without a word is changed in memory, too', async (t) => {
  const bare = Object.assign(Object.create(null) as object, { a: -0, b: undefined, c: [-0] });
  const { value } = seal({ kept: 1, dropped: undefined, bare, minus: -0 }, 'state');
  t.strictSame(value, { kept: 1, bare: { a: 0, c: [0] }, minus: 0 });
  t.ok(isDeeplyFrozen(value));
  t.equal(Object.getPrototypeOf((value as { bare: object }).bare), Object.prototype);
  t.ok(Object.is((value as { minus: number }).minus, 0));
  t.equal(seal(-0, 'state').value, 0);
  const foreign: unknown = runInNewContext('({ a: [1] })');
  t.throws(() => seal(foreign, 'state'), /state.a is an/);
  t.strictSame(seal(runInNewContext('({ a: 1 })'), 'state').value, { a: 1 });
});

t.test('a member called __proto__ is a member', async (t) => {
  const value = JSON.parse('{"__proto__":{"admin":true},"b":[-0]}') as object;
  const sealed = seal(value, 'state').value as Record<string, unknown>;
  t.notOk('admin' in sealed);
  t.ok(Object.hasOwn(sealed, '__proto__'));
  t.equal(Object.getPrototypeOf(sealed), Object.prototype);
  const only = seal(JSON.parse('{"__proto__":1}'), 'state');
  t.equal(stateText(only), '{"__proto__":1}');
  const withBigint = JSON.parse('{"__proto__":{"$bigint":"1"},"b":{"$bigint":"2"}}') as unknown;
  t.equal(stateText(decodeState(JSON.stringify(withBigint))), JSON.stringify(withBigint));
});

t.test('everything else is refused with a sentence that names the place', async (t) => {
  class Seat {}
  class List extends Array {}
  const cycle: Record<string, unknown> = { a: { b: [1] } };
  (cycle['a'] as { b: unknown[] }).b.push(cycle);
  const sparse = [1, 2, 3];
  delete sparse[1];
  const match = /a/.exec('a');
  const hidden = Object.defineProperty({}, 'hidden', { value: 1 });
  const refused: [unknown, string][] = [
    [undefined, 'state is undefined'],
    [Number.NaN, 'state is NaN, which is no finite number'],
    [{ a: Number.POSITIVE_INFINITY }, 'state.a is Infinity, which is no finite number'],
    [{ items: [1, 2, 3, { when: new Date() }] }, 'state.items[3].when is a Date'],
    [{ a: () => 1 }, 'state.a is a function'],
    [{ a: Symbol('s') }, 'state.a is a symbol'],
    [[1, undefined], 'state[1] is undefined'],
    [sparse, 'state[1] is undefined'],
    [{ 'a-b': new Map() }, 'state["a-b"] is a Map'],
    [new Seat(), 'state is a Seat'],
    [new Uint8Array(1), 'state is an Uint8Array'],
    [new List(), 'state is a List'],
    [new Proxy({}, {}), 'state is a Proxy'],
    [Object.create({ a: 1 }), 'state is an object with a prototype of its own'],
    [{ a: Promise.resolve() }, 'state.a is a Promise'],
    [cycle, 'state.a.b[1] is part of a cycle'],
    [
      {
        get a() {
          return 1;
        },
      },
      'state.a is a getter',
    ],
    [{ set a(_: number) {} }, 'state.a is a getter'],
    [hidden, 'state.hidden is not enumerable'],
    [{ [Symbol('s')]: 1 }, 'state has a member whose name is a symbol'],
    [{ match }, 'state.match is an array with members that have names'],
    [Object.assign([1], { [Symbol('s')]: 1 }), 'state is an array with members that have names'],
    [new Error('x'), 'state is an Error'],
    [new String('x'), 'state is a String'],
  ];
  for (const [value, sentence] of refused) {
    t.throws(() => seal(value, 'state'), { name: 'ValueError', message: sentence });
    t.throws(() => check(value, 'state'), { name: 'ValueError', message: sentence });
    if (value !== undefined)
      t.throws(
        () => seal(Object.freeze({ a: value }), 'state'),
        { name: 'ValueError' },
        'also in what is frozen',
      );
  }
});

t.test('a promise in a state that fails ends no process', async (t) => {
  t.throws(
    () => seal({ late: Promise.reject(new Error('nobody waits')) }, 'state'),
    /state.late is a Promise/,
  );
  // An unhandled rejection would fail this file.
  await new Promise((resolve) => setImmediate(resolve));
});

t.test('depth and size are bounded, whatever is shared', async (t) => {
  const nested = (depth: number) => {
    let value: unknown = 1;
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
    return value;
  };
  t.doesNotThrow(() => decodeState(stateText(seal(nested(MAX_DEPTH), 'state'))));
  t.throws(() => seal(nested(MAX_DEPTH + 1), 'state'), /…? is nested deeper than 200 levels/);
  // Thirty objects in memory, and a billion in their text.
  let doubled: unknown = 'x';
  for (let i = 0; i < 30; i++) doubled = [doubled, doubled];
  t.throws(() => seal(doubled, 'state', 2 ** 20), { message: 'state is larger than 1048576 bytes' });
});

t.test('a state is as large as its text in UTF-8, to the byte', async (t) => {
  for (const value of [
    'x'.repeat(98),
    'é'.repeat(49),
    '\n'.repeat(49),
    [1, { a: 'ü'.repeat(40) }],
    2n ** 300n,
  ]) {
    const size = Buffer.byteLength(stateText(seal(value, 'state')));
    t.doesNotThrow(() => sealState(value, 'state', size));
    t.throws(() => sealState(value, 'state', size - 1), {
      message: `state is larger than ${size - 1} bytes`,
    });
  }
});

t.test('it freezes a state, and not a reply', async (t) => {
  const [inner, reply] = [{ n: 1 }, { n: 1 }];
  t.ok(Object.isFrozen(seal({ inner }, 'state').value) && Object.isFrozen(inner));
  check(reply, 'reply');
  t.notOk(Object.isFrozen(reply));
  // What was frozen by hand may hold what is not.
  const shallow = Object.freeze({ inner: { n: 1 } });
  t.ok(isDeeplyFrozen(seal(shallow, 'state').value));
});

t.test('a reply shows bigints as exact numbers, and tells how large they are', async (t) => {
  const large = 2n ** 5000n;
  const texts: [unknown, string][] = [
    [{ from: 1, seats: 2 }, '{"from":1,"seats":2}'],
    [{ cents: 12345678901234567890n }, '{"cents":12345678901234567890}'],
    [{ a: undefined, b: -5n, c: undefined }, '{"b":-5}'],
    [{ $bigint: 5n }, '{"$bigint":5}'],
    [[large, '"'], `[${large},"\\""]`],
    [5n, '5'],
    ['text', '"text"'],
    [null, 'null'],
  ];
  for (const [value, text] of texts) t.equal(replyText(check(value, 'reply')), text);
  t.equal(check({ a: 1 }, 'reply').bigintBits, 0);
  t.equal(check({ a: 2n ** 64n - 1n }, 'reply').bigintBits, 0, 'small ones cost little');
  const { bigintBits } = check([large, 1n, -large, 2n], 'reply');
  t.ok(bigintBits >= 10_000 && bigintBits < 10_020, `${bigintBits}`);
});

t.test('a text that is no state is refused', async (t) => {
  for (const text of [
    '',
    '{',
    '{"$bigint":5}',
    '{"$bigint":"G"}',
    '{"$bigint":"05"}',
    '{"$bigint":"-0"}',
    '[{"$bigint":"FF"}]',
  ]) {
    t.throws(() => decodeState(text), { name: 'WarrenError', code: 'store-corrupt' }, text);
  }
});

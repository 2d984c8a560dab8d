/** What a client sends becomes an input, or a refusal that says why. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { parseInput, parseSearch } from '../../../src/runtime/input-text.js';
import { MAX_DEPTH } from '../../../src/runtime/values.js';

t.test('JSON is the input, and nothing is undefined', async (t) => {
  t.equal(parseInput(undefined), undefined);
  t.equal(parseInput(''), undefined);
  t.strictSame(parseInput('{"seats": 2}'), { seats: 2 });
  t.equal(parseInput('null'), null);
  t.strictSame(parseInput('{"a":1,"a":2}'), { a: 2 });
  for (const text of ['{', 'seats', "{'a':1}", '1n', 'NaN', '[1,]', ' ']) {
    t.throws(() => parseInput(text), { name: 'InputError', code: 'bad-input' }, text);
  }
});

t.test('a number that would reach the actor as another number is refused', async (t) => {
  const inexact = [
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567890',
    '1e400',
    '-1E+400',
    '1e0400',
  ];
  inexact.push('9'.repeat(400), `${'9'.repeat(309)}.5`);
  for (const literal of inexact) {
    for (const text of [literal, `[${literal}]`, `{"a":"\\"","b":${literal} }`, `["\\\\",${literal}]`]) {
      t.throws(() => parseInput(text), { name: 'InputError', code: 'input-inexact' }, text);
    }
  }
  t.throws(() => parseInput('[9007199254740993]'), /the number 9007199254740993 has no exact double/);
});

t.test('decimals are rounded as always, and an exact integer may be long', async (t) => {
  const exact = [
    '0.1',
    '9007199254740992',
    '-9007199254740992',
    '18446744073709551616',
    '1e308',
    '1e22',
    '5e-324',
  ];
  exact.push('0.12345678901234567890123', '1e-400', '3.141592653589793238462643', '100000000000000000000');
  for (const literal of exact) t.strictSame(parseInput(`[${literal}]`), [Number(literal)]);
});

t.test('digits in a text are no number', async (t) => {
  for (const text of ['9007199254740993', '1e400', '\\"9007199254740993', '\\\\\\"1e999,']) {
    t.doesNotThrow(() => parseInput(`{"card":"${text}","n":1}`), text);
    t.doesNotThrow(() => parseInput(`{"${text}":1}`), text);
  }
});

t.test('what JSON.stringify made of exact values is never refused, and never changed', async () => {
  const safe = fc.oneof(
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
    fc.string(),
    fc.stringMatching(/^["\\0-9eE+-]{0,30}$/),
  );
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.stringMatching(/^["\\0-9e]{0,20}$/), safe)), (input) => {
      const text = JSON.stringify(input);
      assert.deepEqual(parseInput(text), JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

t.test('every integer that a double does not hold is refused, wherever it stands', async () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.string(), (value, text) => {
      const body = `{${JSON.stringify(text)}:[${JSON.stringify(text)},${value}]}`;
      if (BigInt(Number(value)) === value) assert.deepEqual(parseInput(body), JSON.parse(body));
      else assert.throws(() => parseInput(body), { code: 'input-inexact' });
    }),
    { numRuns: 1000 },
  );
});

t.test('a body has a bounded depth, and brackets in a text do not count', async (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.doesNotThrow(() => parseInput(nested(MAX_DEPTH)));
  t.throws(() => parseInput(nested(MAX_DEPTH + 1)), { code: 'bad-input', message: /deeper than 200 levels/ });
  t.throws(() => parseInput(nested(30_000)), { code: 'bad-input' });
  t.doesNotThrow(() => parseInput(JSON.stringify(['[{'.repeat(1000)])));
  t.doesNotThrow(() => parseInput(`[${'[1],{},'.repeat(1000)}1]`));
});

t.test('search parameters are strings, and each is there once', async (t) => {
  t.equal(parseSearch(undefined), undefined);
  t.equal(parseSearch(''), undefined);
  t.strictSame(parseSearch('a=1&b=x+y%2F&c='), { a: '1', b: 'x y/', c: '' });
  t.throws(() => parseSearch('a=1&a=2'), {
    name: 'InputError',
    code: 'bad-input',
    message: /"a" is there twice/,
  });
  const odd = parseSearch('__proto__=x&constructor=y') ?? {};
  t.ok(Object.hasOwn(odd, '__proto__') && Object.hasOwn(odd, 'constructor'));
  t.throws(() => parseSearch('__proto__=x&__proto__=y'), { code: 'bad-input' });
});

/** Integers of any size survive, and nothing else changes. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { parseExact } from '../../../src/client/exact-json.js';
import { replyText } from '../../../src/runtime/reply-text.js';
import { check } from '../../../src/runtime/values.js';

t.test('an integer that a double does not hold is a bigint', async (t) => {
  t.strictSame(parseExact('[9007199254740993,-9007199254740993]'), [9007199254740993n, -9007199254740993n]);
  t.strictSame(parseExact('{"a":9007199254740992,"b":1.5,"c":1e400}'), {
    a: 2 ** 53,
    b: 1.5,
    c: Number.POSITIVE_INFINITY,
  });
  t.equal(parseExact(`${10n ** 400n}`), 10n ** 400n);
  t.strictSame(parseExact('{"9007199254740993":"9007199254740993","\\"9007199254740993":0}'), {
    '9007199254740993': '9007199254740993',
    '"9007199254740993': 0,
  });
  t.throws(() => parseExact('{"a":90071992547409930'), SyntaxError);
});

t.test('every reply comes back with the same numbers', async () => {
  const number = fc.oneof(
    fc.bigInt(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
  );
  const text = fc.oneof(fc.string(), fc.stringMatching(/^["\\0-9]{0,40}$/));
  const reply = fc.array(fc.dictionary(text, fc.oneof(number, text)));
  const plain = (value: unknown) =>
    typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;
  fc.assert(
    fc.property(reply, (value) => {
      const expected = value.map((object) =>
        Object.fromEntries(
          Object.entries(object).map(([name, member]) => [name, plain(Object.is(member, -0) ? 0 : member)]),
        ),
      );
      const back = parseExact(replyText(check(value, 'reply'))) as object[];
      assert.deepEqual(
        back.map((object) => ({ ...object })),
        expected.map((object) => ({ ...object })),
      );
    }),
    { numRuns: 1000 },
  );
});

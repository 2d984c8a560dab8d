/** Where the sequence goes on after the Go service, by what that one has left in Redis. */
import t from 'tap';
import { inheritedIndex } from '../../../../src/residents/fibonacci/inherited-index.js';

for (const [value, index] of [
  [undefined, undefined],
  ['0', 0],
  ['1', 2],
  ['2', 3],
  ['12200160415121876738', 93],
  [' 55\n', 10],
] as const) {
  t.test(`${JSON.stringify(value)} stands at index ${index}`, async (t) =>
    t.equal(inheritedIndex(value), index),
  );
}

for (const value of ['', '4', '-1', '1.0', '1e3', '0x8', 'NaN', '1293530146158671551', '9'.repeat(20_000)]) {
  t.test(`${JSON.stringify(value.slice(0, 24))} is refused, with a way out`, async (t) => {
    const refusal = t.throws(() => inheritedIndex(value), { code: 'predecessor-invalid' }) as Error;
    t.match(refusal.message, /delete or rename that key.*INITIAL_INDEX/);
    t.ok(refusal.message.length < 400, 'a large value is not repeated whole');
  });
}

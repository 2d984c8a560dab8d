/** Copies in one fixed block: never two over the same byte, and no byte lost. */
import fc from 'fast-check';
import t from 'tap';
import { UnsentMemory } from '../../../src/http/unsent-memory.js';

const KIB = 1024;

const body = (bytes: number, value = 1) => new Uint8Array(bytes).fill(value);

t.test('a copy is no longer bound to its source', async (t) => {
  const memory = new UnsentMemory(64 * KIB);
  const source = Uint8Array.from([1, 2, 3]);
  const copy = memory.copy(source);
  source.fill(9);
  t.strictSame([...(copy ?? [])], [1, 2, 3]);
});

t.test('what is given back can be taken again, and only once', async (t) => {
  const memory = new UnsentMemory(256 * KIB);
  const first = memory.copy(body(150 * KIB)) as Uint8Array;
  t.equal(memory.copy(body(150 * KIB)), undefined, 'no gap is large enough');
  const second = memory.copy(body(60 * KIB)) as Uint8Array;
  memory.giveBack(first);
  t.ok(memory.copy(body(150 * KIB)));
  memory.giveBack(second);
  t.throws(() => memory.giveBack(second), /no such copy/);
});

t.test('under any order of copies and returns each copy keeps its bytes, and the bound holds', async () => {
  const step = fc.oneof(
    fc.record({ copy: fc.integer({ min: 1, max: 700 * KIB }) }),
    fc.record({ giveBack: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new UnsentMemory(1024 * KIB);
      const held: { copy: Uint8Array; value: number }[] = [];
      let value = 0;
      for (const todo of steps) {
        if ('copy' in todo) {
          value = (value + 1) % 256;
          const copy = memory.copy(body(todo.copy, value));
          if (copy) held.push({ copy, value });
        } else if (held.length > 0) {
          const [one] = held.splice(todo.giveBack % held.length, 1);
          if (one) memory.giveBack(one.copy);
        }
        if (memory.used > memory.bytes) return false;
        if (memory.used < held.reduce((sum, { copy }) => sum + copy.length, 0)) return false;
      }
      if (held.some(({ copy, value: own }) => copy.some((byte) => byte !== own))) return false;
      for (const { copy } of held) memory.giveBack(copy);
      return memory.used === 0 && memory.copy(body(1024 * KIB)) !== undefined;
    }),
    { numRuns: 100 },
  );
});

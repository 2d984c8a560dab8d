/** The states in memory: bounded by bytes, and what the gate still needs stays. */
import fc from 'fast-check';
import t from 'tap';
import type { Behavior } from '../../../../src/runtime/owner/behavior.js';
import { StateMemory, States } from '../../../../src/runtime/owner/states.js';

const BEHAVIOR = { actor: 'counter' } as Behavior;
/** What an entry takes whose state takes nothing. */
const ENTRY = (() => {
  const memory = new StateMemory(0);
  add(new States(memory), 'a', 0);
  return memory.bytes;
})();

function add(states: States, key: string, bytes: number) {
  return states.add(BEHAVIOR, key, {}, bytes);
}

t.test('the least recently used state leaves first', async (t) => {
  const memory = new StateMemory(3 * (ENTRY + 100));
  const states = new States(memory);
  for (const key of 'abc') add(states, key, 100);
  memory.trim();
  t.equal(memory.count, 3, 'all fit');
  states.find(BEHAVIOR, 'a');
  states.has(BEHAVIOR, 'b');
  add(states, 'd', 100);
  memory.trim();
  t.strictSame(
    ['a', 'b', 'c', 'd'].filter((id) => states.has(BEHAVIOR, id)),
    ['a', 'c', 'd'],
  );
  t.equal(memory.evictions, 1);
});

t.test('a pinned state stays, though all others leave', async (t) => {
  const memory = new StateMemory(0);
  const states = new States(memory);
  const pinned = add(states, 'a', 100);
  pinned.pins += 1;
  for (const key of 'bcd') add(states, key, 100);
  memory.trim();
  t.equal(memory.count, 1);
  t.equal(states.find(BEHAVIOR, 'a'), pinned);
  pinned.pins -= 1;
  memory.trim();
  t.equal(memory.count, 0);
  t.equal(memory.bytes, 0);
});

t.test('a state that grows is counted as it is now', async (t) => {
  const memory = new StateMemory(2 * ENTRY + 1_000);
  const states = new States(memory);
  const a = add(states, 'a', 10);
  add(states, 'b', 10);
  states.change(a, { n: 1 }, 5_000);
  t.equal(memory.bytes, 2 * ENTRY + 5_010);
  t.strictSame(states.find(BEHAVIOR, 'a')?.state, { n: 1 });
  memory.trim();
  t.strictSame(
    ['a', 'b'].filter((id) => states.has(BEHAVIOR, id)),
    [],
    'b left first, and did not make room enough',
  );
});

t.test('order and bytes are those of a plain list, whatever is done', async () => {
  const key = fc.constantFrom(...'abcdefgh');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('use' as const), key, bytes: fc.nat(500) }),
    fc.record({ kind: fc.constant('change' as const), key, bytes: fc.nat(500) }),
    fc.record({
      kind: fc.constantFrom('pin' as const, 'unpin' as const, 'trim' as const),
      key,
      bytes: fc.constant(0),
    }),
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), key, bytes: fc.constant(0) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 100, size: 'max' }),
      fc.nat(4 * (ENTRY + 250)),
      (steps, limit) => {
        const memory = new StateMemory(limit);
        const states = new States(memory);
        /** The least recently used one first. */
        let list: { key: string; bytes: number; pins: number }[] = [];
        const total = () => list.reduce((sum, { bytes }) => sum + ENTRY + bytes, 0);
        for (const { kind, key, bytes } of steps) {
          const known = list.find((each) => each.key === key);
          if (kind === 'use') {
            const entry = states.find(BEHAVIOR, key);
            if ((entry === undefined) !== (known === undefined)) throw new Error(`${key} is there, or not`);
            if (!entry) add(states, key, bytes);
            list = [...list.filter((each) => each !== known), known ?? { key, bytes, pins: 0 }];
          } else if (kind === 'trim') {
            memory.trim();
            for (const each of [...list])
              if (total() > limit && each.pins === 0) list = list.filter((other) => other !== each);
          } else if (kind === 'clear') {
            states.clear();
            list = [];
          } else if (known) {
            list = [...list.filter((each) => each !== known), known];
            const entry = states.find(BEHAVIOR, key);
            if (!entry) throw new Error(`${key} is missing`);
            if (kind === 'change') {
              states.change(entry, {}, bytes);
              known.bytes = bytes;
            } else if (kind === 'pin' || known.pins > 0) {
              entry.pins += kind === 'pin' ? 1 : -1;
              known.pins = entry.pins;
            }
          }
          if (memory.bytes !== total()) throw new Error(`${memory.bytes} bytes instead of ${total()}`);
          if (memory.count !== list.length) throw new Error(`${memory.count} instead of ${list.length}`);
          for (const each of list)
            if (!states.has(BEHAVIOR, each.key)) throw new Error(`${each.key} has left`);
        }
      },
    ),
  );
});

t.test(
  'the memory is one for all shards: the oldest of any leaves, and one that is emptied takes nothing of the others',
  async (t) => {
    const memory = new StateMemory(2 * ENTRY + 250);
    const [first, second] = [new States(memory), new States(memory)];
    add(first, 'a', 100);
    add(second, 'a', 100);
    first.find(BEHAVIOR, 'a');
    add(first, 'b', 100);
    memory.trim();
    t.ok(first.has(BEHAVIOR, 'a'));
    t.notOk(second.has(BEHAVIOR, 'a'), 'it was not used for longest');
    add(second, 'c', 0);
    first.clear();
    t.ok(second.has(BEHAVIOR, 'c'));
    t.equal(memory.count, 1);
    t.equal(memory.bytes, ENTRY);
  },
);

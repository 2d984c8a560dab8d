/** The estimate of a state's memory is near what the heap really takes: a limit of memory is kept by it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { Behavior } from '../../../src/runtime/owner/behavior.js';
import { StateMemory, States } from '../../../src/runtime/owner/states.js';
import { decodeState, stateText } from '../../../src/runtime/state-text.js';
import { seal } from '../../../src/runtime/values.js';

const STATES = 5_000;

const SHAPES: Record<string, (i: number) => unknown> = {
  'a small object': (i) => ({ next: i, left: 100, city: `berlin ${i}`, on: true }),
  'a long text': (i) => ({ text: `${'x'.repeat(500)}${i}` }),
  'a text of two bytes a character': (i) => ({ text: `${'ü€'.repeat(250)}${i}` }),
  'many decimals': (i) => Array.from({ length: 100 }, (_, j) => i + j + 0.5),
  'many integers': (i) => Array.from({ length: 100 }, (_, j) => i + j),
  'a table with names of its own': (i) =>
    Object.fromEntries(Array.from({ length: 40 }, (_, j) => [`${i}_${j}`, j])),
  'a large bigint': (i) => ({ cents: 2n ** 4000n + BigInt(i) }),
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function usedHeap(): number {
  for (let i = 0; i < 4; i++) collect();
  return process.memoryUsage().heapUsed;
}

for (const [title, make] of Object.entries(SHAPES)) {
  t.test(`${title} takes about what is estimated, and never far more`, async (t) => {
    const texts = Array.from({ length: STATES }, (_, i) => Buffer.from(stateText(seal(make(i), 'state'))));
    const kept: unknown[] = new Array(STATES).fill(null);
    decodeState(String(texts[0]));
    const before = usedHeap();
    let estimate = 0;
    for (let i = 0; i < STATES; i++) {
      const { value, heapBytes } = decodeState(String(texts[i]));
      kept[i] = value;
      estimate += heapBytes;
    }
    const ratio = (usedHeap() - before) / estimate;
    t.ok(ratio > 0.25 && ratio < 1.5, `${ratio}`);
    t.equal(kept.length, texts.length, 'both are still there');
  });
}

t.test('many small actors take about what is counted, and never more', async (t) => {
  const memory = new StateMemory(Number.POSITIVE_INFINITY);
  const states = new States(memory);
  const keys = Array.from({ length: 10 * STATES }, (_, i) => Buffer.from(`user-${i}`));
  const behavior = { actor: 'counter' } as Behavior;
  states.add(behavior, 'first', decodeState('{"n":0}'), 0);
  const before = usedHeap();
  const counted = memory.bytes;
  for (const [i, key] of keys.entries()) {
    const state = decodeState(`{"n":${i}}`);
    states.add(behavior, String(key), state, state.heapBytes);
  }
  const ratio = (usedHeap() - before) / (memory.bytes - counted);
  t.ok(ratio > 0.5 && ratio < 1.1, `${ratio}`);
  t.equal(memory.count, keys.length + 1);
});

/** What crosses between the threads. */
import t from 'tap';
import { PROBLEMS } from '../../../src/errors.js';
import {
  decodeReply,
  encodeReply,
  MAIN_PULSE,
  OWNER_PULSE,
  TURN_IN_PROGRESS,
  VITAL_SIGNS,
  type WireRefusal,
} from '../../../src/runtime/protocol.js';

const REFUSALS: WireRefusal[] = ['sequence-exhausted', 'store-unavailable', 'commit-in-doubt', 'standby'];

t.test('a reply comes out as it went in', async (t) => {
  for (const reply of [0, 1, 94, 2 ** 32, Number.MAX_SAFE_INTEGER, ...REFUSALS]) {
    const [wire] = new Float64Array([encodeReply(reply)]);
    t.equal(decodeReply(wire as number), reply);
  }
});

t.test('refusals are negative, distinct, and problems that a client may see', async (t) => {
  const wires = REFUSALS.map(encodeReply);
  t.ok(wires.every((wire) => wire < 0));
  t.equal(new Set(wires).size, REFUSALS.length);
  for (const refusal of REFUSALS) t.ok(PROBLEMS[refusal].status >= 400);
});

t.test('a number that stands for nothing is an error', async (t) => {
  for (const wire of [-1 - REFUSALS.length, -100, -0.5, Number.NaN])
    t.throws(() => decodeReply(wire), RangeError);
});

t.test('the vital signs do not overlap', async (t) => {
  t.equal(new Set([MAIN_PULSE, OWNER_PULSE, TURN_IN_PROGRESS]).size, VITAL_SIGNS);
});

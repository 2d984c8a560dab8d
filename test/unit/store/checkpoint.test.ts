/** The text of a record: canonical, and no damage to it goes unseen. */
import t from 'tap';
import type { ErrorCode } from '../../../src/errors.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/store/checkpoint.js';

const CHECKPOINT = {
  epoch: 3,
  version: 120,
  renewal: 7,
  lease: 3_000,
  state: 4711,
  writer: 'a writer',
  instance: 'an instance',
  process: '77.4711.8823',
};
const TEXT = encodeCheckpoint('fibonacci', CHECKPOINT);

function refusal(text: string, actor = 'fibonacci'): ErrorCode | 'taken' {
  try {
    decodeCheckpoint(actor, text);
    return 'taken';
  } catch (error) {
    return (error as { code: ErrorCode }).code;
  }
}

t.test('equal checkpoints have equal texts, whatever the order of their fields', async (t) => {
  const backwards = Object.fromEntries(Object.entries(CHECKPOINT).toReversed()) as typeof CHECKPOINT;
  t.equal(encodeCheckpoint('fibonacci', backwards), TEXT);
  t.strictSame(decodeCheckpoint('fibonacci', TEXT), CHECKPOINT);
  t.equal(encodeCheckpoint('fibonacci', decodeCheckpoint('fibonacci', TEXT)), TEXT);
});

t.test('the text of one actor is never taken for that of another', async (t) => {
  t.not(encodeCheckpoint('another', CHECKPOINT), TEXT, 'not even of the same object');
  t.equal(encodeCheckpoint('fibonacci', CHECKPOINT), TEXT);
  t.equal(refusal(TEXT, 'another'), 'store-foreign');
});

t.test('no change of a single character is taken for a record', async (t) => {
  for (let at = 0; at < TEXT.length; at++) {
    for (const other of ['0', '1', 'x', ' ', '']) {
      if (TEXT[at] === other) continue;
      const damaged = TEXT.slice(0, at) + other + TEXT.slice(at + 1);
      if (refusal(damaged) === 'taken') t.fail(`${JSON.stringify(other)} at ${at}: ${damaged}`);
    }
    if (refusal(TEXT.slice(0, at)) === 'taken') t.fail(`cut after ${at}`);
  }
  for (const spaced of [` ${TEXT}`, `${TEXT}\n`, TEXT.replace(':', ': ')]) {
    t.equal(refusal(spaced), 'store-corrupt', 'a compare-and-set by text would never find it again');
  }
});

t.test('what is no record of ours is told from one that is damaged', async (t) => {
  for (const [text, code] of [
    ['', 'store-corrupt'],
    ['{"format":"warren/2"', 'store-corrupt'],
    ['12586269025', 'store-foreign'],
    ['null', 'store-foreign'],
    ['[]', 'store-foreign'],
    ['{"format":"warren/3","actor":"fibonacci"}', 'store-foreign'],
    ['{"format":"warren/2","actor":"fibonacci"}', 'store-corrupt'],
    ['{"format":"warren/1","actor":"fibonacci"}', 'store-corrupt'],
    // Their checks are right.
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, state: -1 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, version: 0.5 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, epoch: 2 ** 53 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, renewal: -1 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, lease: 0.5 }), 'store-corrupt'],
  ] as const) {
    t.equal(refusal(text), code, text);
  }
});

t.test('a record of the format before is read, and is what a commit expects', async (t) => {
  const former =
    '{"format":"warren/1","actor":"fibonacci","epoch":3,"version":120,"state":4711,"writer":"a writer","check":"CHECK"}';
  const { hash } = await import('node:crypto');
  const check = hash('sha256', former.replace(',"check":"CHECK"', '')).slice(0, 16);
  const text = former.replace('CHECK', check);
  const checkpoint = decodeCheckpoint('fibonacci', text);
  t.match(checkpoint, { epoch: 3, version: 120, state: 4711, writer: 'a writer' });
  t.ok(checkpoint.lease > 0, 'its owner may live');
  t.equal(encodeCheckpoint('fibonacci', checkpoint), text);
  t.equal(refusal(text.replace('4711', '4712')), 'store-corrupt');
});

t.test('an error shows the head of a long record, not all of it', async (t) => {
  t.throws(() => decodeCheckpoint('fibonacci', 'x'.repeat(10_000)), { message: /^.{1,250}$/ });
});

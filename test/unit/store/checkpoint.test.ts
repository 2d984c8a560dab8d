/** The text of a record: canonical, and no damage to it goes unseen. */
import t from 'tap';
import type { ErrorCode } from '../../../src/errors.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/store/checkpoint.js';

const CHECKPOINT = { epoch: 3, version: 120, state: 4711, writer: 'a writer' };
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
  const { writer, state, version, epoch } = CHECKPOINT;
  t.equal(encodeCheckpoint('fibonacci', { writer, state, version, epoch }), TEXT);
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
    ['{"format":"warren/1"', 'store-corrupt'],
    ['12586269025', 'store-foreign'],
    ['null', 'store-foreign'],
    ['[]', 'store-foreign'],
    ['{"format":"warren/2","actor":"fibonacci"}', 'store-foreign'],
    ['{"format":"warren/1","actor":"fibonacci"}', 'store-corrupt'],
    // Their checks are right.
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, state: -1 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, version: 0.5 }), 'store-corrupt'],
    [encodeCheckpoint('fibonacci', { ...CHECKPOINT, epoch: 2 ** 53 }), 'store-corrupt'],
  ] as const) {
    t.equal(refusal(text), code, text);
  }
});

t.test('an error shows the head of a long record, not all of it', async (t) => {
  t.throws(() => decodeCheckpoint('fibonacci', 'x'.repeat(10_000)), { message: /^.{1,250}$/ });
});

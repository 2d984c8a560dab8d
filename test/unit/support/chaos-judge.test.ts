/** The chaos judges each key as a counter of its own. */
import t from 'tap';
import { drivenBy, judge } from '../../chaos/driven.js';
import type { Operation } from '../../support/history.js';

let now = 0;

function add(key: number, index: number): Operation {
  now += 2;
  return { kind: 'next', key, start: now, end: now + 1, outcome: 'ok', index };
}

function lost(key: number): Operation {
  now += 2;
  return { kind: 'next', key, start: now, end: now + 1, outcome: 'unknown' };
}

t.test('keys do not know of each other, and their figures add up', async (t) => {
  const operations = [add(0, 1), add(1, 1), add(1, 2), lost(0), lost(1), add(0, 3)];
  t.match(judge(operations, [3, 2, 0]), {
    ok: true,
    stats: { nexts: 4, unknownNexts: 2, gaps: 1, highestIndex: 5 },
  });
});

for (const [what, operations, ends, kind] of [
  ['a number that a key gives twice', [add(0, 1), add(1, 1), add(1, 1)], [1, 1], 'repeat'],
  ['a number that is gone in the end', [add(0, 1), add(1, 1), add(1, 2)], [1, 1], 'stale-read'],
  ['a number that only the unknown of another key could explain', [lost(0), add(1, 2)], [0, 2], /gap|future/],
] as const) {
  t.test(`${what} is found`, async (t) => {
    t.match(judge(operations, ends), { ok: false, violation: { kind } });
  });
}

t.test('a reply that is no number is a complaint', async (t) => {
  const { subject } = drivenBy('counter');
  for (const body of ['', '1.5', '-1', '01', '"1"', 'null', '{}', '1234567890123456']) {
    t.match(subject.read('next', { status: 200, headers: {}, body }), { complaint: /no number/ }, body);
  }
  t.strictSame(subject.read('next', { status: 200, headers: {}, body: '12' }), { index: 12 });
});

/** The chaos judges each key as a counter of its own. */
import t from 'tap';
import { type Call, notOnce } from '../../chaos/calls.js';
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

function call(index: number, commit?: string): Call {
  return { ...add(0, index), ...(commit !== undefined && { commit }) };
}

const right = [call(1, '0.1.9'), call(2, '0.1.10'), call(3, '0.1.10'), call(4, '0.2.3')];

t.test('calls that took effect once each are right', async (t) => {
  t.strictSame(notOnce(right, [4]), []);
});

for (const [what, calls, end, said] of [
  ['took effect twice', right, 5, /stands at 5 after 4 calls/],
  ['was lost', right.slice(0, 3), 2, /stands at 2 after 3 calls/],
  ['has no known outcome', [...right, lost(0)], 5, /answered undefined/],
  ['got the answer of another', [...right, call(4, '0.2.4')], 5, /answered 4 in the place of 5/],
  ['names no commit', [...right, call(5)], 5, /without a commit/],
  [
    'names a commit before that of the call before it',
    [...right, call(5, '0.2.2')],
    5,
    /5 is of commit 0.2.2/,
  ],
] as const) {
  t.test(`a call that ${what} is found`, async (t) => {
    t.match(notOnce(calls, [end]), [said]);
  });
}

/** Answers kept under idempotency keys: what a group writes of them, and how they expire. */
import t from 'tap';
import { JSON_REPLY, LINK_PROBLEMS, PROBLEM, REPLAYED } from '../../../../src/runtime/link/reply-kind.js';
import { AnswerRecords, recordIdOf, requestOf } from '../../../../src/runtime/owner/answer-records.js';
import { Expiry } from '../../../../src/runtime/owner/expiry.js';
import type { Tenure } from '../../../../src/runtime/owner/tenure.js';
import type { Change } from '../../../../src/store/contract.js';
import { SIZE_ID, WINDOWS } from '../../../../src/store/store-ids.js';

const KEPT_MS = 24_000;
const WINDOW_MS = KEPT_MS / 24;
const REQUEST = requestOf('add', 'k ', undefined);
const REPLY = { kind: JSON_REPLY, detail: 0, text: '1' };

/** A store without a fence, and the records of an owner that commits to it. */
class Rig {
  readonly stored = new Map<string, string>();
  readonly records = new AnswerRecords({ keptMs: KEPT_MS, bytes: 1_000 });
  servedMs = 0;
  version = 0;
  readonly expiry: Expiry;

  readonly tenure = {
    scan: async (prefix: string, limit: number) =>
      [...this.stored]
        .filter(([id]) => id.startsWith(prefix))
        .map(([id, text]) => ({ id, text }))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    load: async (ids: readonly string[]) => ids.map((id) => this.stored.get(id)),
    get servedMs() {
      return rig().servedMs;
    },
  } as unknown as Tenure;

  constructor() {
    current = this;
    const { records, tenure } = this;
    const nothing = () => {};
    const clocks = { after: () => nothing, now: () => 0, wall: () => 0 };
    this.expiry = new Expiry({
      records,
      tenure,
      clocks,
      keptMs: KEPT_MS,
      serving: () => true,
      onFound: nothing,
    });
  }

  load(...ids: string[]): void {
    for (const id of [SIZE_ID, ...ids]) this.records.remember(id, this.stored.get(id));
  }

  commit(): readonly Change[] {
    this.version += 1;
    const changes = this.records.seal({ shard: 0, epoch: 1, version: this.version }, this.servedMs);
    for (const { id, text } of changes) {
      if (text === undefined) this.stored.delete(id);
      else this.stored.set(id, text);
    }
    this.records.stored();
    return changes;
  }

  add(key: string): string {
    const id = recordIdOf('counter/a', `${key} `);
    this.load(id);
    this.records.add(id, REQUEST, REPLY);
    return id;
  }

  get size(): number {
    return Number(this.stored.get(SIZE_ID));
  }
}

let current: Rig;
const rig = () => current;

t.test('a group writes its records, the window that they expire with, and the size of all', async (t) => {
  const rig = new Rig();
  const ids = [rig.add('x'), rig.add('y')];
  t.ok(rig.records.unsealed);
  const changes = rig.commit();
  t.strictSame(
    changes.map(({ id }) => id),
    [...ids, `${WINDOWS}${'1000'.padStart(15, '0')}/${'1'.padStart(15, '0')}`, SIZE_ID],
  );
  t.notOk(rig.records.unsealed);
  t.strictSame(rig.commit(), [], 'and the next group nothing of it');
  const bytes = ids.reduce((sum, id) => sum + 2 * id.length + (rig.stored.get(id) ?? '').length, 0);
  t.equal(rig.size, bytes);
});

t.test('the key of an actor may hold blanks: the key of a client has none', async (t) => {
  t.equal(recordIdOf('counter/a b', 'k x=1'), '~record/counter/a b k');
  t.not(recordIdOf('counter/a b', 'k '), recordIdOf('counter/a', 'b '));
});

t.test('what is stored answers a retry, and another request under the key is told so', async (t) => {
  const rig = new Rig();
  const id = rig.add('k');
  rig.commit();
  t.notOk(rig.records.has(id), 'it is read again when it is needed');
  rig.load(id);
  t.strictSame(rig.records.answerTo(id, REQUEST), { ...REPLY, kind: JSON_REPLY | REPLAYED });
  t.match(rig.records.answerTo(id, requestOf('add', 'k x', undefined)), problem('idempotency-key-reused'));
});

t.test('a record that is damaged anywhere answers with a problem', async (t) => {
  const rig = new Rig();
  const id = rig.add('k');
  rig.commit();
  const text = rig.stored.get(id) ?? '';
  for (let at = 0; at < text.length; at++) {
    const flipped = String.fromCharCode(text.charCodeAt(at) ^ 1);
    const records = new AnswerRecords({ keptMs: KEPT_MS, bytes: 1_000 });
    records.remember(SIZE_ID, '0');
    records.remember(id, text.slice(0, at) + flipped + text.slice(at + 1));
    t.match(records.answerTo(id, REQUEST), problem('state-unreadable'), `at ${at}`);
  }
});

t.test('records expire when the store was served for long enough, and not before', async (t) => {
  const rig = new Rig();
  const first = rig.add('first');
  rig.commit();
  rig.servedMs = WINDOW_MS;
  const second = rig.add('second');
  rig.commit();
  const size = rig.size;
  const ofSecond = 2 * second.length + (rig.stored.get(second) ?? '').length;
  rig.servedMs = KEPT_MS + WINDOW_MS - 1;
  t.notOk(await rig.expiry.look(), 'each is kept for that time at least');
  rig.servedMs = KEPT_MS + WINDOW_MS;
  t.ok(await rig.expiry.look());
  t.ok(rig.records.unsealed, 'a group of its own deletes them');
  rig.commit();
  t.notOk(rig.stored.has(first));
  t.ok(rig.stored.has(second));
  t.equal(rig.size, ofSecond);
  t.ok(ofSecond < size);
  rig.servedMs += WINDOW_MS;
  t.ok(await rig.expiry.look());
  rig.commit();
  t.strictSame([...rig.stored.keys()], [SIZE_ID], 'nothing is left of them');
  t.equal(rig.size, 0);
});

t.test('what has expired goes in slices', async (t) => {
  const rig = new Rig();
  for (let n = 0; n < 20; n++) {
    rig.records.drop();
    rig.add(`k${n}`);
    rig.commit();
  }
  rig.servedMs = KEPT_MS + WINDOW_MS;
  let slices = 0;
  while (await rig.expiry.look()) {
    slices += 1;
    t.ok(rig.commit().length <= 2 * 8 + 1);
  }
  t.equal(slices, 3);
  t.equal(rig.size, 0);
});

t.test('groups of many records go one by one', async (t) => {
  const rig = new Rig();
  for (let group = 0; group < 3; group++) {
    for (let n = 0; n < 1_200; n++) rig.add(`k${group}-${n}`);
    rig.commit();
  }
  rig.servedMs = KEPT_MS + WINDOW_MS;
  for (let slice = 0; slice < 3; slice++) {
    t.ok(await rig.expiry.look());
    t.equal(rig.commit().length, 1_200 + 2);
  }
  t.equal(rig.size, 0);
});

t.test('a slice that was found before the memory was emptied is not deleted', async (t) => {
  const rig = new Rig();
  rig.add('k');
  rig.commit();
  rig.servedMs = KEPT_MS + WINDOW_MS;
  const expiring = rig.expiry.look();
  rig.records.drop();
  t.notOk(await expiring);
  t.notOk(rig.records.unsealed);
});

t.test('without room a new key is refused, a known one is answered', async (t) => {
  const rig = new Rig();
  const known = rig.add('known');
  while (rig.records.size < 1_000) rig.add(`k${rig.records.size}`);
  const id = recordIdOf('counter/a', 'new ');
  rig.load(id);
  t.match(rig.records.answerTo(id, REQUEST), problem('idempotency-full'));
  t.match(rig.records.answerTo(known, REQUEST), { text: '1' });
});

function problem(code: (typeof LINK_PROBLEMS)[number]): object {
  return { kind: PROBLEM, detail: LINK_PROBLEMS.indexOf(code) };
}

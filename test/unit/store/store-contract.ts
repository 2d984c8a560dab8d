/** What every store of actors must do, whatever it is made of. Each implementation runs this one suite. */
import type { Test } from 'tap';
import type { ActorStore, Change, Entry } from '../../../src/store/contract.js';
import type { ShardFence } from '../../../src/store/shard-fence.js';

/** No bound on what is read. */
export const ALL = Number.MAX_SAFE_INTEGER;

/** One place for one shard, fresh for each test. */
export interface StorePlace {
  /** A store on the place; the suite closes it. */
  open(): ActorStore;
  /** Replaces the text of the fence behind the stores' backs, while none is open. */
  damage(change: (text: string) => string): Promise<void>;
  /** Whether one store at a time can use the place. */
  readonly exclusive: boolean;
}

export function fenceOf(version: number, fields: Partial<ShardFence> = {}): ShardFence {
  return {
    store: 'store',
    shard: 0,
    shards: 1,
    founded: 1,
    holds: {},
    epoch: 1,
    version,
    group: `group ${version}`,
    writer: 'writer',
    instance: 'instance',
    process: 'process',
    renewal: 0,
    lease: 1_000,
    halted: '',
    clock: 1_000 + version,
    served: 0,
    ...fields,
  };
}

/** Everything in a fence that could differ from the one that is stored. */
const OTHERS: Partial<ShardFence>[] = [
  { store: 'other' },
  { shard: 1 },
  { shards: 2 },
  { founded: 0 },
  { holds: { counter: 2 } },
  { epoch: 2 },
  { version: 2 },
  { group: 'other' },
  { writer: 'other' },
  { instance: 'other' },
  { process: 'other' },
  { renewal: 1 },
  { lease: 0 },
  { halted: 'other' },
  { clock: 0 },
];

export function storeContract(t: Test, makePlace: (t: Test) => Promise<StorePlace>): void {
  async function setUp(t: Test) {
    const place = await makePlace(t);
    let open: ActorStore | undefined;
    const reopen = async () => {
      if (place.exclusive) await open?.close();
      const store = place.open();
      open = store;
      t.teardown(() => store.close());
      return store;
    };
    return { place, store: await reopen(), reopen };
  }

  t.test('an empty store has no fence and no states', async (t) => {
    const { store } = await setUp(t);
    t.equal(await store.fence(), undefined);
    t.strictSame(await store.load(['counter/a', 'counter/b'], ALL), {
      fence: undefined,
      texts: [undefined, undefined],
    });
  });

  t.test('a fence is read as it was committed', async (t) => {
    const { store } = await setUp(t);
    const fences = [
      fenceOf(1),
      fenceOf(2, { epoch: 9, lease: 0, process: '', halted: 'lost "ü\u2028\n\0' }),
      fenceOf(3, { version: Number.MAX_SAFE_INTEGER, writer: '', instance: '数🂡', clock: 0 }),
    ];
    let known: ShardFence | undefined;
    for (const fence of fences) {
      t.equal(await store.commit(known, fence, []), 'swapped');
      known = await store.fence();
      t.strictSame(known, fence);
    }
  });

  t.test('a commit compares the whole fence, and does nothing when it is another', async (t) => {
    const { store } = await setUp(t);
    const change: Change = { id: 'counter/a', text: 'new' };
    t.equal(await store.commit(fenceOf(0), fenceOf(1), [change]), 'changed', 'there is none');
    await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'old' }]);
    for (const other of [undefined, ...OTHERS]) {
      const expected = other && fenceOf(1, other);
      t.equal(await store.commit(expected, fenceOf(7), [change]), 'changed', JSON.stringify(other));
      t.strictSame(await store.fence(), fenceOf(1));
    }
    t.strictSame(await store.load(['counter/a'], ALL), { fence: fenceOf(1), texts: ['old'] });
    t.equal(
      await store.commit(fenceOf(1), fenceOf(2), [change]),
      'swapped',
      'and goes on with the right one',
    );
    t.strictSame((await store.load(['counter/a'], ALL)).texts, ['new']);
  });

  t.test('states are loaded by position, and deleted ones are gone', async (t) => {
    const { store } = await setUp(t);
    await store.commit(undefined, fenceOf(1), [
      { id: 'counter/a', text: 'A' },
      { id: 'counter/b', text: 'B' },
      { id: 'other/a', text: 'C' },
    ]);
    t.strictSame(
      (await store.load(['other/a', 'counter/-', 'counter/b', 'counter/a', 'counter/b'], ALL)).texts,
      ['C', undefined, 'B', 'A', 'B'],
    );
    await store.commit(fenceOf(1), fenceOf(2), [
      { id: 'counter/b', text: undefined },
      { id: 'counter/never', text: undefined },
      { id: 'counter/a', text: 'AA' },
    ]);
    t.strictSame((await store.load(['counter/a', 'counter/b', 'other/a'], ALL)).texts, [
      'AA',
      undefined,
      'C',
    ]);
    await store.commit(fenceOf(2), fenceOf(3), [{ id: 'counter/b', text: 'again' }]);
    t.strictSame((await store.load(['counter/b'], ALL)).texts, ['again']);
  });

  t.test('ids and texts are any characters', async (t) => {
    const { store, reopen } = await setUp(t);
    const ids = ['counter/ü', 'counter/数🂡', 'counter/a b\n"\\', 'counter/', 'counter/a/b', 'fence', '-1'];
    const changes = ids.map((id) => ({ id, text: `{"of":"${id}ß\u2028\0🂡"}` }));
    await store.commit(undefined, fenceOf(1), changes);
    for (const each of [store, await reopen()].slice(-1)) {
      t.strictSame(
        (await each.load(ids, ALL)).texts,
        changes.map(({ text }) => text),
      );
      t.strictSame(await each.fence(), fenceOf(1));
    }
  });

  t.test("the runtime's own texts are kept beside the states, and change with the same commit", async (t) => {
    const { store, reopen } = await setUp(t);
    const records = ['tickets/a k1', 'tickets/a k2', 'tickets/a b k1', 'tickets/ k1', 'wallet/数 \n"🂡 k1'];
    const ids = [
      ...records.map((record) => `~record/${record}`),
      '~window/000000000001000/000000000000001',
      '~size',
      'tickets/a',
      'tickets/a k1',
    ];
    const changes = ids.map((id) => ({ id, text: `{"of":"${id} ß\u2028\0🂡"}` }));
    const texts = changes.map(({ text }) => text);
    t.equal(await store.commit(fenceOf(0), fenceOf(1), changes), 'changed');
    t.strictSame((await store.load(ids, ALL)).texts, Array(ids.length).fill(undefined));
    t.equal(await store.commit(undefined, fenceOf(1), changes), 'swapped');
    t.strictSame(await store.load(ids, ALL), { fence: fenceOf(1), texts });
    const [first = '', second = '', , , , window = ''] = ids;
    const next = [
      { id: first, text: undefined },
      { id: second, text: 'new' },
      { id: window, text: 'new, too' },
      { id: '~record/never/there k', text: undefined },
      { id: '~window/000000000009000/000000000000001', text: undefined },
    ];
    t.equal(await store.commit(fenceOf(1), fenceOf(2), next), 'swapped');
    const now = [undefined, 'new', ...texts.slice(2, 5), 'new, too', ...texts.slice(6)];
    t.strictSame((await store.load(ids, ALL)).texts, now);
    const again = await reopen();
    t.strictSame((await again.load(ids, ALL)).texts, now);
    const none = ids.map((id) => ({ id, text: undefined }));
    t.equal(await again.commit(fenceOf(2), fenceOf(3), none), 'swapped');
    t.strictSame((await again.load(ids, ALL)).texts, Array(ids.length).fill(undefined));
    t.strictSame((await again.scan('', undefined, 100)).entries, []);
  });

  async function listed(store: ActorStore, prefix: string, limit: number): Promise<Entry[]> {
    const found = [];
    let after: string | undefined;
    do {
      const { entries, next } = await store.scan(prefix, after, limit);
      found.push(...entries);
      after = next;
    } while (after !== undefined);
    return found;
  }

  t.test('a listing has each state under the prefix, and nothing else', async (t) => {
    const { store } = await setUp(t);
    t.strictSame(await store.scan('', undefined, 10), { entries: [], next: undefined });
    const many = Array.from({ length: 1_500 }, (_, at) => `counter/${at}`);
    const others = [
      'tickets/ber',
      'tickets/berlin',
      'tickets/b*r',
      'tickets/Ber',
      'tickets/[b]',
      'tickets/数🂡',
    ];
    const own = ['~record/tickets/ber k', '~window/000000000001000/000000000000001', '~size'];
    const changes = [...many, ...others, ...own].map((id) => ({ id, text: `of ${id}` }));
    await store.commit(undefined, fenceOf(1), changes);
    const texts = new Map(changes.map(({ id, text }) => [id, text]));
    for (const prefix of [
      '',
      'counter/',
      'counter/14',
      'tickets/',
      'tickets/ber',
      'tickets/b*',
      'tickets/[b',
      'tickets/数',
      'no',
    ]) {
      const expected = [...many, ...others].filter((id) => id.startsWith(prefix));
      for (const limit of [7, 100, 10_000]) {
        const found = await listed(store, prefix, limit);
        t.strictSame(
          [...new Set(found.map(({ id }) => id))].sort(),
          expected.sort(),
          `${prefix} by ${limit}`,
        );
        t.ok(found.every(({ id, text }) => texts.get(id) === text));
      }
    }
  });

  t.test('windows are listed in ascending order', async (t) => {
    const { store } = await setUp(t);
    const number = (n: number) => String(n).padStart(15, '0');
    const ids = [5, 1, 900, 33].flatMap((end) =>
      [7, 11, 2].map((version) => `~window/${number(end)}/${number(version)}`),
    );
    await store.commit(undefined, fenceOf(1), [
      ...ids.map((id) => ({ id, text: JSON.stringify([id, 'a b']) })),
      { id: 'counter/a', text: 'A' },
    ]);
    const expected = [...ids].sort().map((id) => ({ id, text: JSON.stringify([id, 'a b']) }));
    for (const limit of [1, 5, 12, 100])
      t.strictSame(await listed(store, '~window/', limit), expected, `by ${limit}`);
    await store.commit(
      fenceOf(1),
      fenceOf(2),
      expected.slice(0, 4).map(({ id }) => ({ id, text: undefined })),
    );
    t.strictSame(
      (await store.scan('~window/', undefined, 2)).entries,
      expected.slice(4, 6),
      'the oldest that are left',
    );
  });

  async function imageIn(store: ActorStore, between: () => Promise<void> = async () => {}) {
    const found = new Map<string, string | undefined>();
    const order: string[] = [];
    let first: ShardFence | undefined;
    let parts = 0;
    for await (const { fence, entries } of store.image()) {
      if (parts++ === 0) first = fence;
      for (const { id, text } of entries) found.set(id, text);
      order.push(...entries.map(({ id }) => id));
      await between();
    }
    const texts = [...found].filter(([, text]) => text !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return { fence: first, order, parts, texts };
  }

  t.test('an image has everything but the size', async (t) => {
    const { store } = await setUp(t);
    t.match(await imageIn(store), { fence: undefined, order: [] });
    const changes = [
      { id: 'fence', text: 'an actor' },
      { id: 'tickets/', text: 'no key' },
      { id: 'tickets/a b', text: 'B' },
      { id: '~record/tickets/a b k1', text: 'of a state' },
      { id: '~record/tickets/a b k2', text: 'of a state' },
      { id: '~record/tickets/gone k1', text: 'of none' },
      {
        id: '~window/000000000001000/000000000000001',
        text: '["~record/tickets/a b k1","~record/tickets/gone k1"]',
      },
      { id: '~window/000000000001000/000000000000002', text: '["~record/tickets/a b k2"]' },
    ];
    await store.commit(undefined, fenceOf(1), [...changes, { id: '~size', text: '7' }]);
    const { fence, texts } = await imageIn(store);
    t.strictSame(fence, fenceOf(1));
    t.strictSame(texts, changes.map(({ id, text }) => [id, text]).sort());
  });

  t.test('a large image comes in parts, and one that is given up leaves the store as it was', async (t) => {
    const { store } = await setUp(t);
    const ids = Array.from({ length: 3_000 }, (_, at) => `counter/${at}`);
    const changes = ids.map((id) => ({ id, text: `${id} ${'x'.repeat(100)}` }));
    await store.commit(undefined, fenceOf(1), changes);
    const { texts, parts } = await imageIn(store);
    t.strictSame(texts, changes.map(({ id, text }) => [id, text]).sort());
    t.ok(parts > 5, `${parts} parts`);
    for await (const { entries } of store.image()) if (entries.length > 0) break;
    const unread = store.image();
    await unread.return(undefined);
    t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
    t.strictSame((await imageIn(store)).fence, fenceOf(2));
  });

  t.test('state and records of an actor are of one moment, whatever is written meanwhile', async (t) => {
    const { store } = await setUp(t);
    const actors = Array.from({ length: 400 }, (_, at) => `counter/${at}`);
    let version = 1;
    const pairs = (ids: readonly string[]) => [
      ...ids.flatMap((id) => [
        { id, text: `${version} ${'x'.repeat(200)}` },
        { id: `~record/${id} k${version}`, text: `${version}` },
      ]),
      {
        id: `~window/000000000001000/${String(version).padStart(15, '0')}`,
        text: JSON.stringify(ids.map((id) => `~record/${id} k${version}`)),
      },
    ];
    await store.commit(undefined, fenceOf(1), pairs(actors));
    let writes = 0;
    const image = await imageIn(store, async () => {
      if (++writes > 30) return;
      version += 1;
      const some = actors.filter((_, at) => (at * 7 + writes) % 3 === 0);
      const forgotten = some.slice(0, 5).map((id) => ({ id, text: undefined }));
      const changes = [...pairs([...some, `counter/new ${version}`]), ...forgotten];
      t.equal(await store.commit(fenceOf(version - 1), fenceOf(version), changes), 'swapped');
    });
    t.ok(writes > 3, `${writes} writes`);
    const texts = new Map(image.texts as [string, string][]);
    for (const id of actors) {
      const state = texts.get(id)?.split(' ')[0];
      const of = [...texts.keys()].filter((other) => other.startsWith(`~record/${id} k`));
      const newest = Math.max(...of.map((other) => Number(other.split(' k')[1])));
      if (state !== undefined && Number(state) !== newest)
        t.fail(`${id}: ${state}, and a record of ${newest}`);
    }
    const windows = image.texts
      .filter(([id]) => id.startsWith('~window/'))
      .map(([, text]) => JSON.parse(text as string));
    const named = new Set(windows.flat());
    for (const [id] of image.texts) if (id.startsWith('~record/')) t.ok(named.has(id), `${id} will expire`);
  });

  t.test('a thousand changes are one commit', async (t) => {
    const { store } = await setUp(t);
    const ids = Array.from({ length: 1_000 }, (_, at) => `counter/${at}`);
    await store.commit(
      undefined,
      fenceOf(1),
      ids.map((id) => ({ id, text: `1 ${id}` })),
    );
    t.strictSame(
      (await store.load(ids, ALL)).texts,
      ids.map((id) => `1 ${id}`),
    );
    const half = ids.map((id, at) => ({ id, text: at % 2 ? `2 ${id}` : undefined }));
    t.equal(await store.commit(fenceOf(1), fenceOf(2), half), 'swapped');
    t.strictSame(
      (await store.load(ids, ALL)).texts,
      half.map(({ text }) => text),
    );
  });

  t.test('a read ends when it has reached its bytes, and has one text at least', async (t) => {
    const { store } = await setUp(t);
    const ids = ['counter/a', 'counter/none', 'counter/b', 'counter/c', 'counter/d'];
    const put = (id: string) => ({ id, text: 'x'.repeat(100) });
    await store.commit(undefined, fenceOf(1), ids.filter((id) => id !== 'counter/none').map(put));
    const counts = [];
    for (const limit of [1, 100, 101, 200, 201, 400, 1_000]) {
      const { texts } = await store.load(ids, limit);
      counts.push(texts.length);
      t.strictSame(
        texts.map((text) => text?.length),
        [100, undefined, 100, 100, 100].slice(0, texts.length),
      );
    }
    t.strictSame(counts, [1, 1, 3, 3, 4, 5, 5]);
  });

  t.test('a store that was made before another one wrote finds what that has written', async (t) => {
    const { place, store } = await setUp(t);
    const early = place.open();
    t.teardown(() => early.close());
    await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'A' }]);
    if (place.exclusive) await store.close();
    t.strictSame(await early.load(['counter/a'], ALL), { fence: fenceOf(1), texts: ['A'] });
  });

  t.test('of two commits that expect the same fence one happens, whole', async (t) => {
    const { store } = await setUp(t);
    await store.commit(undefined, fenceOf(1), []);
    const both = [fenceOf(2, { group: 'x' }), fenceOf(2, { group: 'y' })];
    const ids = ['counter/a', 'counter/b'];
    const outcomes: string[] = [];
    for (const next of both) {
      outcomes.push(
        await store.commit(
          fenceOf(1),
          next,
          ids.map((id) => ({ id, text: next.group })),
        ),
      );
    }
    t.strictSame(outcomes, ['swapped', 'changed']);
    t.strictSame((await store.load(ids, ALL)).texts, ['x', 'x']);
    t.equal((await store.fence())?.group, 'x');
  });

  t.test('what was committed is there for the next store on the same place', async (t) => {
    const { store, reopen } = await setUp(t);
    await store.commit(undefined, fenceOf(1), [
      { id: 'counter/a', text: 'A' },
      { id: 'counter/b', text: 'B' },
    ]);
    await store.commit(fenceOf(1), fenceOf(2), [{ id: 'counter/b', text: undefined }]);
    const next = await reopen();
    t.strictSame(await next.fence(), fenceOf(2));
    t.strictSame((await next.load(['counter/a', 'counter/b'], ALL)).texts, ['A', undefined]);
    t.equal(await next.commit(fenceOf(1), fenceOf(9), []), 'changed');
    t.equal(await next.commit(fenceOf(2), fenceOf(3), [{ id: 'counter/a', text: 'AA' }]), 'swapped');
    t.strictSame((await (await reopen()).load(['counter/a'], ALL)).texts, ['AA']);
  });

  const damages: [what: string, code: string, change: (text: string) => string][] = [
    ['cut', 'store-corrupt', (text) => text.slice(0, -9)],
    ['no JSON', 'store-corrupt', () => 'no fence'],
    ['one digit wrong', 'store-corrupt', (text) => text.replace('"version":1', '"version":2')],
    ['without its check', 'store-corrupt', (text) => text.replace(/,"check".*/, '}')],
    ['of an older format', 'store-foreign', (text) => text.replace('warren/4', 'warren/2')],
    ['another JSON', 'store-foreign', () => '[]'],
  ];
  for (const [what, code, change] of damages) {
    t.test(`a fence that is ${what} is ${code}, and stays as it is`, async (t) => {
      const { place, store, reopen } = await setUp(t);
      await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'A' }]);
      if (place.exclusive) await store.close();
      await place.damage(change);
      const next = await reopen();
      await t.rejects(next.fence(), { code });
      for (const expected of [undefined, fenceOf(1)]) {
        t.equal(await next.commit(expected, fenceOf(2), [{ id: 'counter/a', text: 'B' }]), 'changed');
      }
      await t.rejects(next.load(['counter/a'], ALL), { code }, 'and no state is taken from behind it');
    });
  }
}

/** What every store must do, whatever it is made of. Each implementation runs this one suite. */
import type { Test } from 'tap';
import { type Checkpoint, encodeCheckpoint } from '../../../src/store/checkpoint.js';
import type { Store } from '../../../src/store/store.js';
import { recordOf } from './record-of.js';

export const ACTOR = 'fibonacci';

/** One place for one record, fresh for each test. */
export interface Place {
  /** A handle on the place; the suite closes it. */
  open(): Store;
  /** Reads and writes the record behind the stores' backs; absent where nothing can reach it. */
  readonly raw?: {
    read(): Promise<string | undefined>;
    write(text: string): Promise<void>;
  };
  /** Whether the record outlives its handles. */
  readonly persistent: boolean;
  /** Whether one handle at a time can use the place. */
  readonly exclusive?: boolean;
}

export function checkpoint(version: number, fields: Partial<Checkpoint> = {}): Checkpoint {
  return recordOf({ version, state: 10 * version, ...fields });
}

export function storeContract(t: Test, makePlace: (t: Test) => Promise<Place>): void {
  async function setUp(t: Test) {
    const place = await makePlace(t);
    const open = () => {
      const store = place.open();
      t.teardown(() => store.close());
      return store;
    };
    return { place, open, store: open() };
  }

  t.test('an empty store has no checkpoint', async (t) => {
    const { store } = await setUp(t);
    t.equal(await store.load(), undefined);
    t.equal(await store.load(), undefined, 'and asking does not change that');
  });

  t.test('the first commit expects nothing, and is what is loaded', async (t) => {
    const { store } = await setUp(t);
    t.equal(await store.commit(undefined, checkpoint(1)), 'swapped');
    t.strictSame(await store.load(), checkpoint(1));
  });

  t.test('commits follow each other, over epochs and writers', async (t) => {
    const { store } = await setUp(t);
    const records = [
      checkpoint(1),
      checkpoint(2),
      checkpoint(3, { epoch: 2, writer: 'writer-b' }),
      checkpoint(9, { epoch: 7, state: Number.MAX_SAFE_INTEGER, writer: '' }),
      checkpoint(10, { epoch: 7, state: 0, writer: '"ü\u2028\n' }),
    ];
    let known: Checkpoint | undefined;
    for (const next of records) {
      t.equal(await store.commit(known, next), 'swapped');
      t.strictSame(await store.load(), next);
      known = next;
    }
  });

  t.test('a commit that expects another record is refused and changes nothing', async (t) => {
    const { store } = await setUp(t);
    t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'changed', 'of an empty store');
    t.equal(await store.load(), undefined);
    await store.commit(undefined, checkpoint(5));
    const strangers = [
      undefined,
      checkpoint(4),
      checkpoint(5, { epoch: 2 }),
      checkpoint(5, { state: 51 }),
      checkpoint(5, { writer: 'writer-b' }),
      checkpoint(5, { renewal: 1 }),
      checkpoint(5, { lease: 3_000 }),
      checkpoint(5, { instance: 'instance-b' }),
    ];
    for (const expected of strangers) t.equal(await store.commit(expected, checkpoint(6)), 'changed');
    t.strictSame(await store.load(), checkpoint(5));
    t.equal(await store.commit(checkpoint(5), checkpoint(6)), 'swapped', 'and the right one still passes');
  });

  t.test('a commit that is sent again after it happened is refused', async (t) => {
    const { store } = await setUp(t);
    await store.commit(undefined, checkpoint(1));
    t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'swapped');
    t.equal(await store.commit(checkpoint(1), checkpoint(2)), 'changed');
    t.strictSame(await store.load(), checkpoint(2));
  });

  t.test('commits of one handle at the same time: exactly one wins', async (t) => {
    const { store } = await setUp(t);
    await store.load();
    const rivals = [1, 2, 3, 4, 5, 6].map((version) => checkpoint(version));
    const wins = await Promise.all(rivals.map((next) => store.commit(undefined, next)));
    t.equal(wins.filter((outcome) => outcome === 'swapped').length, 1);
    t.strictSame(await store.load(), rivals[wins.indexOf('swapped')]);
  });

  t.test('two handles race for each of twenty commits: exactly one wins each', async (t) => {
    const { open, place, store } = await setUp(t);
    if (!place.persistent || place.exclusive) {
      t.pass('no two handles can have the same record');
      return;
    }
    const other = open();
    let known = await store.load();
    for (let version = 1; version <= 20; version++) {
      const mine = checkpoint(version, { writer: 'mine' });
      const theirs = checkpoint(version, { writer: 'theirs' });
      const wins = await Promise.all([store.commit(known, mine), other.commit(known, theirs)]);
      t.equal(wins.filter((outcome) => outcome === 'swapped').length, 1);
      known = wins[0] === 'swapped' ? mine : theirs;
      t.strictSame(await store.load(), known);
      t.strictSame(await other.load(), known);
    }
  });

  t.test('the record outlives its handle', async (t) => {
    const { open, place, store } = await setUp(t);
    if (!place.persistent) {
      t.pass('it does not, by design');
      return;
    }
    await store.commit(undefined, checkpoint(1));
    await store.close();
    const reopened = open();
    t.strictSame(await reopened.load(), checkpoint(1));
    t.equal(await reopened.commit(checkpoint(1), checkpoint(2)), 'swapped');
    if (place.exclusive) await reopened.close();
    t.strictSame(await store.load(), checkpoint(2), 'and a closed handle opens again when it is used');
  });

  t.test('a record that is damaged or not ours is an error, and stays as it is', async (t) => {
    const text = encodeCheckpoint(ACTOR, checkpoint(12));
    const records = {
      'store-corrupt': [
        '',
        '{',
        text.slice(0, -1),
        `${text} `,
        ...tampered(text).filter((other) => other.includes('warren/2')),
      ],
      'store-foreign': [
        '7',
        'null',
        '"x"',
        '[]',
        text.replace('warren/2', 'warren/3'),
        '{"format":"other/1"}',
        encodeCheckpoint('tickets', checkpoint(1)),
      ],
    };
    for (const [code, texts] of Object.entries(records)) {
      for (const damaged of texts) {
        const { place, store } = await setUp(t);
        if (!place.raw) {
          t.pass('nothing can reach the record');
          return;
        }
        await place.raw.write(damaged);
        await t.rejects(store.load(), { name: 'WarrenError', code }, `${code}: ${damaged}`);
        t.equal(await store.commit(undefined, checkpoint(1)), 'changed', 'it is not taken for no record');
        t.equal(await store.commit(checkpoint(12), checkpoint(13)), 'changed', 'nor for what it was');
        t.equal(await place.raw.read(), damaged);
        await store.close();
      }
    }
  });
}

/** The record with each of its digits, in turn, changed to another one. */
function tampered(text: string): string[] {
  return [...text.matchAll(/\d/g)].map(({ index, 0: digit }) => {
    return `${text.slice(0, index)}${(Number(digit) + 1) % 10}${text.slice(index + 1)}`;
  });
}

/** A database that is too large to be read whole before the first answer: what is damaged in the rest of it is still never served. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { LateChecks } from '../../../src/store/level/late-checks.js';
import { LevelActorStore } from '../../../src/store/level/level-actor-store.js';
import { checkFiles, filesIn, levelFolderIn } from '../../../src/store/level/level-files.js';
import type { ShardFence } from '../../../src/store/shard-fence.js';
import { folderOf } from './level-folders.js';
import { ALL } from './store-contract.js';

const FENCE: ShardFence = {
  store: 's',
  shard: 0,
  shards: 1,
  founded: 1,
  holds: {},
  epoch: 1,
  version: 1,
  group: 'g',
  writer: 'w',
  instance: 'i',
  process: 'p',
  renewal: 0,
  lease: 0,
  halted: '',
  clock: 1,
  served: 0,
};
const KEYS = Array.from({ length: 3_000 }, (_, i) => `counter/${String(i).padStart(5, '0')}`);

const textOf = (id: string) => `${id}: ${'x'.repeat(1_500)}`;

/** Some tables, one behind the other by their keys. */
async function database(t: Test): Promise<string> {
  const folder = folderOf(t);
  const store = new LevelActorStore(folder);
  await store.commit(
    undefined,
    FENCE,
    KEYS.filter((_, i) => i % 2 === 0).map((id) => ({ id, text: textOf(id) })),
  );
  await store.close();
  const level = new ClassicLevel(levelFolderIn(folder), { compression: false, maxFileSize: 1 << 20 });
  await level.open();
  // They lie between those of the table that the opening has made, so LevelDB merges both, and divides the result.
  for (const [i, id] of KEYS.entries()) if (i % 2 === 1) await level.put(`state/${id}`, textOf(id));
  await level.compactRange('a', 'z');
  await level.close();
  return folder;
}

/** The table that holds the last keys, with one flipped bit. */
function damageLast(folder: string): void {
  const path = levelFolderIn(folder);
  const tables = [...(filesIn(path)?.tables ?? [])].sort(([, a], [, b]) => b.last.compare(a.last));
  if (tables.length < 3) throw new Error(`only ${tables.length} tables`);
  const file = join(path, (tables[0] as [string, unknown])[0]);
  const bytes = readFileSync(file);
  bytes[20] = (bytes[20] as number) ^ 1;
  writeFileSync(file, bytes);
}

t.test('a damaged table is refused by the first read of what may be in it, and not before', async (t) => {
  const folder = await database(t);
  damageLast(folder);
  const path = levelFolderIn(folder);
  t.throws(() => checkFiles(path), { code: 'store-corrupt' });
  const checks = new LateChecks(path, checkFiles(path, 0));
  t.teardown(() => checks.stop());
  checks.beforeRead(['fence', `state/${KEYS[0]}`]);
  checks.assertIntact();
  t.throws(() => checks.beforeRead([`state/${KEYS.at(-1)}`]), { code: 'store-corrupt' });
  t.throws(() => checks.assertIntact(), { code: 'store-corrupt' });
});

t.test('after damage was found nothing is served', async (t) => {
  const folder = await database(t);
  damageLast(folder);
  const store = new LevelActorStore(folder, 0);
  t.teardown(() => store.close());
  await t.rejects(store.load(KEYS, ALL), { code: 'store-corrupt' });
  await t.rejects(store.load([KEYS[0] as string], ALL), { code: 'store-corrupt' });
  await t.rejects(store.fence(), { code: 'store-corrupt' });
  await t.rejects(store.commit(FENCE, { ...FENCE, version: 2 }, []), { code: 'store-corrupt' });
});

t.test('a damaged table that nobody reads is found a little later', async (t) => {
  const folder = await database(t);
  damageLast(folder);
  const store = new LevelActorStore(folder, 0);
  t.teardown(() => store.close());
  for (;;) {
    const failure = await store.fence().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) return t.match(failure, { code: 'store-corrupt' });
    await delay(10);
  }
});

t.test('within its bound an opening checks the newest tables', async (t) => {
  const folder = await database(t);
  const path = levelFolderIn(folder);
  const names = [...(filesIn(path)?.tables.keys() ?? [])];
  t.strictSame(names, [...names].sort().reverse());
  t.equal(checkFiles(path).size, 0);
  t.strictSame([...checkFiles(path, 0).keys()], names);
  const one = filesIn(path)?.tables.get(names[0] as string)?.bytes as number;
  t.strictSame([...checkFiles(path, one).keys()], names.slice(1));
});

t.test('no bit of a state can flip unseen in a table of the store', async (t) => {
  const folder = folderOf(t);
  const store = new LevelActorStore(folder);
  await store.commit(
    undefined,
    FENCE,
    KEYS.map((id) => ({ id, text: `{"state":{"n":1,"of":"${id}"}}` })),
  );
  await store.close();
  const next = new LevelActorStore(folder);
  await next.fence();
  await next.close();
  const path = levelFolderIn(folder);
  const [[name, { bytes }] = ['', { bytes: 0 }]] = filesIn(path)?.tables ?? [];
  const file = join(path, name);
  const intact = readFileSync(file);
  for (let at = 3; at < bytes * 0.9; at += Math.floor(bytes / 50)) {
    const damaged = Buffer.from(intact);
    damaged[at] = (damaged[at] as number) ^ 4;
    writeFileSync(file, damaged);
    t.throws(() => checkFiles(path), { code: 'store-corrupt' }, `byte ${at} of ${bytes}`);
  }
});

t.test('sound tables are served, whichever is read first', async (t) => {
  const folder = await database(t);
  const store = new LevelActorStore(folder, 0);
  t.teardown(() => store.close());
  const { texts } = await store.load([...KEYS].reverse(), ALL);
  t.ok(texts.every((text, at) => text?.startsWith(KEYS.at(-1 - at) as string)));
});

/** The LMDB store under the contract, and what becomes of files that it did not write. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import t, { type Test } from 'tap';
import { LmdbStore } from '../../../src/store/lmdb-store.js';
import { ACTOR, checkpoint, type Place, storeContract } from './store-contract.js';

const FILE = 'warren.mdb';

storeContract(t, async (t) => lmdbPlace(t));

/** Not made yet. */
function folderOf(t: Test): string {
  const parent = mkdtempSync(join(tmpdir(), 'warren-lmdb-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'data');
}

function lmdbPlace(t: Test): Place {
  const folder = folderOf(t);
  const raw = async <T>(use: (database: ReturnType<typeof openRaw>) => T): Promise<T> => {
    const database = openRaw(folder);
    try {
      return use(database);
    } finally {
      await database.close();
    }
  };
  return {
    open: () => new LmdbStore(ACTOR, folder),
    persistent: true,
    raw: {
      read: () => raw((database) => database.get(ACTOR)),
      write: (text) => raw((database) => void database.putSync(ACTOR, text)),
    },
  };
}

function openRaw(folder: string) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FILE);
  return open<string, string>({ path, encoding: 'string', noSubdir: true, overlappingSync: false });
}

t.test('the folder and its parents are made with the first use, not before', async (t) => {
  const folder = join(folderOf(t), 'a', 'b');
  const store = new LmdbStore(ACTOR, folder);
  t.teardown(() => store.close());
  t.notOk(existsSync(folder));
  await store.load();
  t.ok(existsSync(join(folder, FILE)));
  t.equal(await store.predecessor(), undefined);
});

t.test('a folder that cannot be made is an error that may pass', async (t) => {
  const file = folderOf(t);
  writeFileSync(file, '');
  await t.rejects(new LmdbStore(ACTOR, join(file, 'data')).load(), { code: 'store-unreachable' });
});

t.test('a file that is no intact store is refused and not written to', async (t) => {
  const intact = await committed(t, 3);
  const strangers: Record<string, Buffer> = {
    'a text': Buffer.from('just a text\n'),
    'one byte': Buffer.of(1),
    zeros: Buffer.alloc(16_384),
    'random bytes': Buffer.alloc(16_384, '5cf3a1e8'),
    'half a header': intact.subarray(0, 2048),
    'the headers alone': intact.subarray(0, 8192),
    'all but its last byte': intact.subarray(0, -1),
    'all but its last page': intact.subarray(0, -4096),
    'more than a store can be': Buffer.concat([intact, Buffer.alloc(17 * 1024 * 1024)]),
  };
  for (const [name, bytes] of Object.entries(strangers)) {
    const folder = folderOf(t);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, FILE), bytes);
    const store = new LmdbStore(ACTOR, folder);
    await t.rejects(store.load(), { code: 'store-corrupt' }, name);
    await t.rejects(store.commit(undefined, checkpoint(1)), { code: 'store-corrupt' }, `${name}, commit`);
    t.ok(readFileSync(join(folder, FILE)).equals(bytes), `${name}, unchanged`);
  }
});

t.test('an empty file is an empty store: its maker ended before it wrote anything', async (t) => {
  const folder = folderOf(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, FILE), '');
  const store = new LmdbStore(ACTOR, folder);
  t.teardown(() => store.close());
  t.equal(await store.load(), undefined);
  t.equal(await store.commit(undefined, checkpoint(1)), 'swapped');
});

t.test('pages beyond the last commit, left by a power cut, do no harm', async (t) => {
  const folder = folderOf(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, FILE), Buffer.concat([await committed(t, 2), Buffer.alloc(4 * 4096, 0xaa)]));
  const store = new LmdbStore(ACTOR, folder);
  t.teardown(() => store.close());
  t.strictSame(await store.load(), checkpoint(2));
  t.equal(await store.commit(checkpoint(2), checkpoint(3)), 'swapped');
  t.strictSame(await store.load(), checkpoint(3));
});

t.test('the folder of another actor is refused, and its record stays', async (t) => {
  const folder = folderOf(t);
  const tickets = new LmdbStore('tickets', folder);
  await tickets.commit(undefined, checkpoint(4));
  await tickets.close();
  await t.rejects(new LmdbStore(ACTOR, folder).load(), { code: 'store-corrupt', message: /not ours/ });
  t.teardown(() => tickets.close());
  t.strictSame(await tickets.load(), checkpoint(4));
});

t.test('a thousand commits keep the file as small as it was, and readable', async (t) => {
  const folder = folderOf(t);
  const store = new LmdbStore(ACTOR, folder);
  for (let version = 1; version <= 1_000; version++) {
    await store.commit(version > 1 ? checkpoint(version - 1) : undefined, checkpoint(version));
  }
  await store.close();
  t.ok(readFileSync(join(folder, FILE)).length <= 64 * 1024);
  t.teardown(() => store.close());
  t.strictSame(await store.load(), checkpoint(1_000));
});

/** The bytes of a store after some commits. */
async function committed(t: Test, commits: number): Promise<Buffer> {
  const folder = folderOf(t);
  const store = new LmdbStore(ACTOR, folder);
  for (let version = 1; version <= commits; version++) {
    await store.commit(version > 1 ? checkpoint(version - 1) : undefined, checkpoint(version));
  }
  await store.close();
  return readFileSync(join(folder, FILE));
}

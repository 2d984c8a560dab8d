/** What becomes of folders that it cannot use. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { LevelActorStore } from '../../../src/store/level/level-actor-store.js';
import { ChildHandle } from '../../support/child-handle.js';
import { commitAll, folderOf, rawUse } from './level-folders.js';
import { fenceOf } from './store-contract.js';

const COMMITTER = new URL('./fixtures/commits-forever.js', import.meta.url).pathname;

t.test('the folder and its parents are made with the first use, not before', async (t) => {
  const folder = join(folderOf(t), 'a', 'b');
  const store = new LevelActorStore(folder);
  t.teardown(() => store.close());
  t.notOk(existsSync(folder));
  await store.fence();
  t.ok(existsSync(join(folder, 'level', 'CURRENT')));
  t.equal(await store.predecessor(), undefined);
});

t.test('a folder that cannot be one is refused, with the cure', async (t) => {
  const file = folderOf(t);
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'data')]) {
    await t.rejects(new LevelActorStore(folder).fence(), {
      code: 'folder-unusable',
      message: `${folder} is not`,
    });
  }
});

t.test('the LMDB store of an older version is refused, and stays', async (t) => {
  const folder = folderOf(t);
  mkdirSync(folder);
  writeFileSync(join(folder, 'warren.mdb'), 'whatever it holds');
  const store = new LevelActorStore(folder);
  const refusal = { code: 'store-foreign', message: /LMDB store of an older version.*set-index/ };
  await t.rejects(store.fence(), refusal);
  await t.rejects(store.commit(undefined, fenceOf(1), []), refusal);
  t.strictSame(readdirSync(folder), ['warren.mdb'], 'nothing was made beside it');
});

t.test('the database of another program is refused, and its records stay', async (t) => {
  const folder = folderOf(t);
  mkdirSync(folder);
  await rawUse(folder, (level) => level.put('theirs', 'a value'));
  const store = new LevelActorStore(folder);
  await t.rejects(store.fence(), { code: 'store-foreign', message: /"theirs"/ });
  await t.rejects(store.commit(undefined, fenceOf(1), []), { code: 'store-foreign' });
  t.equal(await rawUse(folder, (level) => level.get('theirs')), 'a value');
});

t.test('a second process is told who has the folder, and gets it when that one is killed', async (t) => {
  const folder = folderOf(t);
  const store = new LevelActorStore(folder);
  t.teardown(() => store.close());
  const link = `${folder}-link`;
  mkdirSync(folder);
  symlinkSync(folder, link);
  let least = 0;
  for (let round = 1; round <= 3; round++) {
    const child = await ChildHandle.spawn({ command: process.execPath, args: [COMMITTER, folder], env: {} });
    t.teardown(async () => void (await child.end()));
    least = Number(await firstLine(child));
    for (const spelling of [folder, link]) {
      await t.rejects(new LevelActorStore(spelling).fence(), {
        code: 'folder-in-use',
        message: new RegExp(`process ${child.pid} on host .+, since 2`),
      });
    }
    child.signal('SIGSTOP');
    await t.rejects(store.fence(), { code: 'folder-in-use' }, 'a holder that stands still holds on');
    await child.end();
    t.ok(((await store.fence())?.version ?? 0) >= least);
    await store.close();
  }
});

t.test('what the folder says of its holder is never believed without a lock', async (t) => {
  const folder = folderOf(t);
  await commitAll(folder, 1, 1);
  for (const word of ['', 'no JSON', 'null', '{"pid":1,"host":"elsewhere","since":"2000"}']) {
    writeFileSync(join(folder, 'holder.json'), word);
    const store = new LevelActorStore(folder);
    t.strictSame(await store.fence(), fenceOf(1));
    t.match(JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')), { pid: process.pid });
    await store.close();
    t.notOk(existsSync(join(folder, 'holder.json')));
  }
});

t.test('ten thousand commits keep the folder small, and readable', async (t) => {
  const folder = folderOf(t);
  mkdirSync(folder);
  await rawUse(folder, async (level) => {
    // Unsynced, for speed: as many as fill the log many times over.
    for (let write = 0; write < 10_000; write++) await level.put('fence', 'x'.repeat(2_000));
    await level.clear();
  });
  await commitAll(folder, 1, 500);
  const store = new LevelActorStore(folder);
  t.teardown(() => store.close());
  t.strictSame(await store.fence(), fenceOf(500));
  t.ok(readdirSync(join(folder, 'level')).length < 20);
});

async function firstLine(child: ChildHandle): Promise<string> {
  for (;;) {
    const [line] = /^\d+$/m.exec(child.output) ?? [];
    if (line !== undefined) return line;
    await delay(5);
  }
}

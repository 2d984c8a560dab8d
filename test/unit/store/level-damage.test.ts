/**
 * Damaged databases. LevelDB skips what it cannot read, and what it does not compare with a checksum it takes as it is, so a flipped
 * bit could bring back an older record. Whatever is done to a file: the last commit is read, or the folder is refused. And
 * what LevelDB itself has written is never refused.
 */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { WarrenError } from '../../../src/errors.js';
import { LevelActorStore } from '../../../src/store/level/level-actor-store.js';
import { copyDatabase } from '../../../src/store/level/level-copy.js';
import { checkFiles, levelFolderIn } from '../../../src/store/level/level-files.js';
import { readLog } from '../../../src/store/level/log-file.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { cloneOf, commitAll, folderOf } from './level-folders.js';
import { fenceOf } from './store-contract.js';

const COMMITS = 12;
/** Between two damaged bytes, at most; another seed finds the others. */
const STRIDE = 7;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
/** What LevelDB never reads back. */
const UNREAD = ['LOCK', 'LOG', 'LOG.old'];

const DATABASES = {
  'all in a log': (folder: string) => commitAll(folder, 1, COMMITS),
  'all in a table': async (folder: string) => {
    await commitAll(folder, 1, COMMITS);
    await reopen(folder);
  },
  'in tables and a log': async (folder: string) => {
    await commitAll(folder, 1, COMMITS / 2);
    await reopen(folder);
    await commitAll(folder, COMMITS / 2 + 1, COMMITS - 5);
    await commitAll(folder, COMMITS - 4, COMMITS);
  },
};

for (const [where, make] of Object.entries(DATABASES)) {
  t.test(`whichever bit flips, ${where}: refused, or the last commit (SEED=${SEED})`, async (t) => {
    const random = new SeededRandom(SEED);
    const folder = folderOf(t);
    await make(folder);
    const tally: Record<string, number> = {};
    for (const name of filesOf(folder)) {
      const path = join(levelFolderIn(folder), name);
      const intact = readFileSync(path);
      for (let at = random.between(0, STRIDE - 1); at < intact.length; at += random.between(1, STRIDE)) {
        const bit = random.between(0, 7);
        const damaged = Buffer.from(intact);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        writeFileSync(path, damaged);
        const outcome = await outcomeOf(t, folder);
        writeFileSync(path, intact);
        if (outcome !== 'refused' && outcome !== COMMITS)
          t.fail(`${name}, bit ${bit} of byte ${at}: ${outcome}`);
        const kind = `${name.replace(/\d+/, 'N')} ${outcome === 'refused' ? 'refused' : 'read'}`;
        tally[kind] = (tally[kind] ?? 0) + 1;
      }
    }
    t.comment(JSON.stringify(tally));
    t.equal(await outcomeOf(t, folder), COMMITS, 'and put back it is good again');
  });

  t.test(`whichever file is missing, ${where}: refused`, async (t) => {
    const folder = folderOf(t);
    await make(folder);
    for (const name of filesOf(folder)) {
      const clone = cloneOf(t, folder);
      rmSync(join(levelFolderIn(clone), name));
      const left = filesOf(clone);
      await t.rejects(new LevelActorStore(clone).fence(), { code: 'store-corrupt' }, name);
      t.strictSame(filesOf(clone), left, 'nothing was made');
    }
  });
}

t.test('a torn tail loses what was not synced, and nothing before it', async (t) => {
  const folder = folderOf(t);
  await commitAll(folder, 1, COMMITS);
  const log = filesOf(folder).find((name) => name.endsWith('.log')) as string;
  const whole = readFileSync(join(levelFolderIn(folder), log));
  const ends = endsOf(whole);
  t.equal(ends.length, COMMITS);
  const from = ends.at(-4) as number;
  const behind = ends.at(-3) as number;
  for (let cut = from; cut < behind; cut++) {
    t.equal(readLog(whole.subarray(0, cut)).length, COMMITS - 3, `cut at ${cut}`);
    const zeros = Buffer.concat([whole.subarray(0, cut), Buffer.alloc(whole.length - cut)]);
    if (cut === from) t.equal(readLog(zeros).length, COMMITS - 3);
    else if (cut > from + 4) t.throws(() => readLog(zeros), `zeros from ${cut}`);
  }
  for (const cut of [from, from + 3, from + 7, behind - 1]) {
    const clone = cloneOf(t, folder);
    truncateSync(join(levelFolderIn(clone), log), cut);
    const store = new LevelActorStore(clone);
    t.strictSame(await store.fence(), fenceOf(COMMITS - 3), `cut at ${cut}`);
    t.equal(await store.commit(fenceOf(COMMITS - 3), fenceOf(99), []), 'swapped');
    await store.close();
    t.strictSame(await store.fence(), fenceOf(99), 'it bears commits again');
    await store.close();
  }
});

t.test('a log that holds something else is no torn tail', async (t) => {
  const folder = folderOf(t);
  await commitAll(folder, 1, COMMITS);
  const log = filesOf(folder).find((name) => name.endsWith('.log')) as string;
  const whole = readFileSync(join(levelFolderIn(folder), log));
  const strangers = [
    Buffer.from('this is not a database\n'.repeat(1_000)),
    whole.subarray(100),
    Buffer.alloc(whole.length, 0x5a),
    Buffer.alloc(whole.length, 0xff),
  ];
  for (const bytes of strangers) t.throws(() => readLog(bytes), { name: 'Damage' });
});

t.test('what was left by a process that was killed before its first commit is a fresh store', async (t) => {
  const folder = folderOf(t);
  await reopen(folder);
  for (const name of ['CURRENT', ...filesOf(folder).filter((file) => file.endsWith('.log'))]) {
    rmSync(join(levelFolderIn(folder), name));
  }
  await commitAll(folder, 1, 2);
  t.equal(await outcomeOf(t, folder), 2);
});

t.test(`what LevelDB writes is never refused, nor a copy of it while it writes (SEED=${SEED})`, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = folderOf(t);
  const open = async () => {
    const level = new ClassicLevel(levelFolderIn(folder), {
      compression: random.next() < 0.5,
      writeBufferSize: 64 * 1024,
      maxFileSize: 128 * 1024,
    });
    await level.open();
    return level;
  };
  let level = await open();
  let written = 0;
  const copy = folderOf(t);
  for (let step = 1; step <= 200; step++) {
    const sizes = [0, 10, 200, 5_000, 40_000, 100_000];
    const size = sizes[random.between(0, sizes.length - 1)] as number;
    const writing = level.batch(
      [
        { type: 'put', key: `state/${random.between(0, 50)}`, value: noise(random, size) },
        { type: 'del', key: `state/${random.between(0, 50)}` },
        { type: 'put', key: 'count', value: String(step) },
      ],
      { sync: random.next() < 0.1 },
    );
    if (random.next() < 0.1) {
      t.ok(await copyDatabase(folder, copy));
      const opened = new ClassicLevel(levelFolderIn(copy));
      const found = Number(await opened.get('count'));
      await opened.close();
      rmSync(copy, { recursive: true });
      if (written > 0) t.ok(found >= written && found <= step, `${written}, ${found}, ${step}`);
    }
    await writing;
    written = step;
    if (random.next() < 0.03) await level.compactRange('a', 'z');
    if (random.next() < 0.03) {
      await level.close();
      checkFiles(levelFolderIn(folder));
      level = await open();
    }
  }
  await level.close();
  checkFiles(levelFolderIn(folder));
});

async function reopen(folder: string): Promise<void> {
  const store = new LevelActorStore(folder);
  await store.fence();
  await store.close();
}

function filesOf(folder: string): string[] {
  return readdirSync(levelFolderIn(folder)).filter((name) => !UNREAD.includes(name));
}

/** The version that is loaded. Opened is only what passes the check, and a clone of it. */
async function outcomeOf(t: Test, folder: string): Promise<number | 'none' | 'refused'> {
  try {
    checkFiles(levelFolderIn(folder));
    const store = new LevelActorStore(cloneOf(t, folder));
    const loaded = await store.fence().finally(() => store.close());
    return loaded?.version ?? 'none';
  } catch (error) {
    if (error instanceof WarrenError && /^store-(corrupt|foreign)$/.test(error.code)) return 'refused';
    throw error;
  }
}

/** Where the whole records of a log end. */
function endsOf(log: Buffer): number[] {
  const ends: number[] = [];
  for (let cut = 1; cut <= log.length; cut++) {
    if (readLog(log.subarray(0, cut)).length > ends.length) ends.push(cut);
  }
  return ends;
}

function noise(random: SeededRandom, length: number): string {
  return String.fromCharCode(32 + random.between(0, 90)).repeat(length);
}

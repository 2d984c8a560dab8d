/**
 * Power loss with LMDB: copies of the data file, taken at random moments under load, stand for what a disk may hold after a
 * cut. An intact copy must give a state that was committed while it was taken. A damaged one, its newest page zeroed, half
 * written or missing, may give such a state or be refused with a word; it must never give another number, nor crash.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { monotonicMs, type Operation, recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { SeededRandom } from '../support/seeded-random.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';
import { damage, newestPage } from './lmdb-damage.js';
import { type LoadOutcome, loadEach } from './lmdb-load.js';

const SEED = Number(process.env['SEED'] ?? 1);
const COPIES = 60;
/** Of these a whole server is started on some. */
const SERVERS = 3;

interface Copy {
  readonly path: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

t.test(`after a power loss LMDB has a committed state or is refused, seed ${SEED}`, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = t.testdir();
  const warren = await startWarren(t, { env: { STORE: 'lmdb' } });
  await warren.waitForLog(({ msg }) => msg === 'serving');
  const ending = new AbortController();
  const recording = recordHistory({
    url: warren.url,
    clients: 12,
    seed: SEED,
    mix: { next: 3, current: 1, previous: 0 },
    signal: ending.signal,
  });
  const source = join(warren.dataDir, 'warren.mdb');
  const copies: Copy[] = [];
  while (copies.length < COPIES) {
    await delay(random.between(5, 60));
    const startedAt = monotonicMs();
    const file = readFileSync(source);
    copies.push({
      path: await folderWith(folder, `intact-${copies.length}`, file),
      startedAt,
      endedAt: monotonicMs(),
    });
  }
  ending.abort();
  const { operations, complaints } = await recording;
  t.strictSame(complaints, []);
  t.equal(await warren.stop(), 0);

  await t.test('every intact copy holds what had been acknowledged when it was taken', async (t) => {
    const outcomes = await loadEach(
      t,
      copies.map(({ path }) => path),
    );
    for (const [number, outcome] of outcomes.entries()) {
      const [least, most] = bounds(operations, copies[number] as Copy);
      t.ok(
        inside(outcome, least, most),
        `copy ${number}: ${JSON.stringify(outcome)}, between ${least} and ${most}`,
      );
    }
  });

  await t.test('a damaged copy holds such a state or is refused', async (t) => {
    const damaged: { path: string; copy: Copy; how: string }[] = [];
    for (const [number, copy] of copies.entries()) {
      const file = readFileSync(join(copy.path, 'warren.mdb'));
      for (const [how, bytes] of damage(file, random)) {
        damaged.push({ path: await folderWith(folder, `damaged-${number}-${how}`, bytes), copy, how });
      }
    }
    const outcomes = await loadEach(
      t,
      damaged.map(({ path }) => path),
    );
    const tally: Record<string, number> = {};
    for (const [number, outcome] of outcomes.entries()) {
      const { copy, how, path } = damaged[number] as (typeof damaged)[number];
      const [least, most] = bounds(operations, copy);
      // The page that a cut has spoiled belongs to a commit that nobody was told of: the one before it is as good.
      const good = 'refused' in outcome || inside(outcome, least - 12, most);
      if (!good) t.fail(`${how}: ${JSON.stringify(outcome)}, between ${least} and ${most}, ${path}`);
      const kind = `${how}: ${'refused' in outcome ? `refused, ${outcome.refused}` : 'served'}`;
      tally[kind] = (tally[kind] ?? 0) + 1;
    }
    t.comment(JSON.stringify(tally, null, 1));
    t.equal(outcomes.length, damaged.length);
  });

  await t.test(
    'a server serves from a copy, and refuses a damaged one with a word and exit code 1',
    async (t) => {
      for (let number = 0; number < SERVERS; number++) {
        const copy = copies[random.between(0, COPIES - 1)] as Copy;
        const [least, most] = bounds(operations, copy);
        const server = await startWarren(t, { env: { STORE: 'lmdb', DATA_DIR: copy.path } });
        const index = Number((await get(server.url, '/current')).headers['sequence-index']);
        t.ok(index >= least && index <= most, `${index}, between ${least} and ${most}`);
        t.equal(await server.stop(), 0);

        const file = readFileSync(join(copy.path, 'warren.mdb'));
        file.fill(0, newestPage(file).start, newestPage(file).end);
        const path = await folderWith(folder, `zeroed-${number}`, file);
        const refusing = await spawnWarren(t, { env: { STORE: 'lmdb', DATA_DIR: path } });
        t.match(await refusing.exited, { code: 1, signal: null });
        t.match(refusing.output, /"code":"store-corrupt".*is not an intact store/);
        t.ok(readFileSync(join(path, 'warren.mdb')).equals(file), 'nothing was changed');
      }
    },
  );
});

async function folderWith(parent: string, name: string, file: Buffer): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  writeFileSync(join(path, 'warren.mdb'), file);
  return path;
}

/** What had been acknowledged before the copy began, and the most that was asked for before it was complete. */
function bounds(operations: readonly Operation[], copy: Copy): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const { outcome, index = 0, start, end } of operations) {
    if (outcome !== 'ok') continue;
    if (end < copy.startedAt) least = Math.max(least, index);
    if (start <= copy.endedAt) most = Math.max(most, index);
  }
  return [least, most];
}

function inside(outcome: LoadOutcome, least: number, most: number): boolean {
  return 'state' in outcome && outcome.state !== null && outcome.state >= least && outcome.state <= most;
}

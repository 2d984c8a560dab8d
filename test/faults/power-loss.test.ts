/**
 * Power loss with LevelDB: copies of the data folder, taken at random moments under load, stand for what a disk may hold after a
 * cut. An intact copy must give a state that was committed while it was taken. One whose last write is torn may give the state
 * before it or be refused with a word; it must never give another number, nor crash.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { copyDatabase } from '../../src/store/level/level-copy.js';
import { monotonicMs, type Operation, recordHistory } from '../support/history.js';
import { SeededRandom } from '../support/seeded-random.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';
import { type LoadOutcome, loadEach } from './level-load.js';
import { logOf, tear, torn } from './torn-log.js';

const SEED = Number(process.env['SEED'] ?? 1);
const COPIES = 16;
const CLIENTS = 12;
/** Of these a whole server is started on some. */
const SERVERS = 3;

interface Copy {
  readonly path: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

t.test(`after a power loss LevelDB has a committed state or is refused, seed ${SEED}`, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = t.testdir();
  const warren = await startWarren(t, { env: { STORE: 'level' } });
  await warren.waitForLog(({ msg }) => msg === 'serving');
  const ending = new AbortController();
  const recording = recordHistory({
    url: warren.url,
    clients: CLIENTS,
    seed: SEED,
    mix: { next: 3, current: 1, previous: 0 },
    signal: ending.signal,
  });
  // A first write that is torn leaves an empty store, which is right, and is another test.
  await waitForIndex(warren.url, 10 * CLIENTS);
  const copies: Copy[] = [];
  while (copies.length < COPIES) {
    await delay(random.between(5, 60));
    const startedAt = monotonicMs();
    const path = join(folder, `intact-${copies.length}`);
    await copyDatabase(warren.dataDir, path);
    copies.push({ path, startedAt, endedAt: monotonicMs() });
  }
  ending.abort();
  const { operations, complaints } = await recording;
  t.strictSame(complaints, []);
  t.equal(await warren.stop(), 0);

  await t.test('every intact copy holds what had been acknowledged when it was taken', async (t) => {
    const outcomes = await loadEach(
      t,
      copies.map(({ path }, number) => clone(path, join(folder, `opened-${number}`))),
    );
    for (const [number, outcome] of outcomes.entries()) {
      const [least, most] = bounds(operations, copies[number] as Copy);
      t.ok(
        inside(outcome, least, most),
        `copy ${number}: ${JSON.stringify(outcome)}, between ${least} and ${most}`,
      );
    }
  });

  await t.test('a copy whose last write is torn holds such a state or is refused', async (t) => {
    const damaged: { path: string; copy: Copy; how: string }[] = [];
    for (const [number, copy] of copies.entries()) {
      for (const [how, bytes] of torn(logOf(copy.path), random)) {
        const path = clone(copy.path, join(folder, `torn-${number}-${how}`));
        tear(path, bytes);
        damaged.push({ path, copy, how });
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
      // The write that a cut has spoiled belongs to a commit that nobody was told of: the one before it is as good.
      const good = 'refused' in outcome || inside(outcome, least - CLIENTS, most);
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
        const copy = copies[COPIES - 1 - number] as Copy;
        const [least, most] = bounds(operations, copy);
        const server = await startWarren(t, {
          env: { STORE: 'level', DATA_DIR: clone(copy.path, join(folder, `served-${number}`)) },
        });
        const index = await currentIndex(server.url);
        t.ok(index >= least && index <= most, `${index}, between ${least} and ${most}`);
        t.equal(await server.stop(), 0);

        const log = logOf(copy.path);
        const path = clone(copy.path, join(folder, `flipped-${number}`));
        tear(path, log.fill(log.readUInt8(100) ^ 1, 100, 101));
        const refusing = await spawnWarren(t, { env: { STORE: 'level', DATA_DIR: path } });
        t.match(await refusing.exited, { code: 1, signal: null });
        t.match(refusing.output, /"code":"store-corrupt".*is damaged: .*restore a backup/);
        t.ok(logOf(path).equals(log), 'nothing was changed');
      }
    },
  );
});

function clone(from: string, to: string): string {
  cpSync(from, to, { recursive: true });
  return to;
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

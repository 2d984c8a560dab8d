/**
 * Damaged LMDB files. LMDB has no checksums and maps its file into memory, so a wrong bit may be a wrong number or the
 * end of the process. Whatever is done to a file: it is refused, or the checkpoint that is read was really committed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LmdbStore } from '../../../src/store/lmdb-store.js';
import { SeededRandom } from '../../support/seeded-random.js';
import type { Outcome } from './fixtures/loads-mutants.js';
import { ACTOR, checkpoint } from './store-contract.js';

const LOADER = new URL('./fixtures/loads-mutants.js', import.meta.url).pathname;
const COMMITTER = new URL('./fixtures/commits-forever.js', import.meta.url).pathname;
const FILE = 'warren.mdb';
const PAGE = 4096;
const REFUSALS = ['store-corrupt', 'store-foreign'];
const COMMITS = 40;
const MUTANTS = 300;
const COPIES = 60;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

t.test(`no mutation of a file makes it crash or show another number (SEED=${SEED})`, async (t) => {
  const random = new SeededRandom(SEED);
  const intact = await committed(t);
  const load = loader(t);
  const tally: Record<string, number> = {};
  for (let round = 0; round < MUTANTS; round++) {
    const file = Buffer.from(intact);
    const { what, damaged } = mutate(file, random);
    const outcome = await load(damaged);
    const name = `mutant ${round}, ${what}`;
    if (outcome.kind === 'broke') t.fail(`${name}: ${outcome.message}`);
    else if (outcome.kind === 'refused') {
      // A bit within the names of format and actor makes it somebody else's.
      if (!REFUSALS.includes(outcome.code)) t.fail(`${name}: ${outcome.code}, ${outcome.message}`);
    } else if (outcome.checkpoint?.version !== COMMITS) {
      t.strictSame(outcome.checkpoint, checkpoint(COMMITS), name);
    }
    const kind = `${what.replace(/ at.*| to.*/, '')}: ${outcome.kind}`;
    tally[kind] = (tally[kind] ?? 0) + 1;
  }
  for (const [kind, count] of Object.entries(tally).sort()) t.comment(`${kind} ${count}`);
  t.ok((tally['bit of a record: refused'] ?? 0) > 0 && (tally['bit of a header: refused'] ?? 0) > 0);
});

t.test(
  `single bits all over headers, trees and record: refused, or the last commit (SEED=${SEED})`,
  async (t) => {
    const intact = await committed(t);
    const load = loader(t);
    const areas = [
      ...[0, 1].map((meta): [number, number] => [meta * PAGE, 170]),
      ...livePages(intact).map((page): [number, number] => [page * PAGE, 40]),
      ...livePages(intact).map((page): [number, number] => [page * PAGE + usedFrom(intact, page), 20]),
    ];
    let shown = 0;
    for (const [start, length] of areas) {
      for (let bit = start * 8 + (SEED % 7); bit < (start + length) * 8; bit += 7) {
        const file = Buffer.from(intact);
        flip(file, bit);
        const outcome = await load(file);
        const fine = outcome.kind === 'refused' || (outcome.kind === 'loaded' && isLast(outcome));
        if (!fine)
          t.strictSame(outcome, checkpoint(COMMITS), `bit ${bit % 8} of byte ${Math.floor(bit / 8)}`);
        shown += 1;
      }
    }
    t.ok(shown > 500);
  },
);

t.test('copies taken while another process commits: refused, or a checkpoint of that time', async (t) => {
  const folder = temporaryFolder(t);
  const load = loader(t);
  // What it confirms goes into a file, not through a pipe: read in the same breath as the copy, it cannot be late.
  const confirmations = join(temporaryFolder(t), 'confirmed');
  const descriptor = openSync(confirmations, 'w');
  t.teardown(() => closeSync(descriptor));
  const child = spawn(process.execPath, [COMMITTER, folder], { stdio: ['ignore', descriptor, 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const confirmed = () => Number(readFileSync(confirmations, 'latin1').split('\n').at(-2) ?? 0);
  while (confirmed() === 0) await delay(5);
  const copy = join(temporaryFolder(t), 'copy');
  let loaded = 0;
  for (let round = 0; round < COPIES; round++) {
    const before = confirmed();
    copyFileSync(join(folder, FILE), copy);
    const after = confirmed();
    const outcome = await load(readFileSync(copy));
    if (outcome.kind === 'broke') t.fail(outcome.message);
    if (outcome.kind === 'refused') t.equal(outcome.code, 'store-corrupt');
    if (outcome.kind !== 'loaded') continue;
    loaded += 1;
    const { version = 0 } = outcome.checkpoint ?? {};
    t.ok(version >= before && version <= after + 1, `copy ${round}: ${before} ${version} ${after}`);
    t.strictSame(outcome.checkpoint, checkpoint(version));
  }
  t.comment(`${loaded} of ${COPIES} copies could be read`);
  t.ok(loaded > 0);
});

t.test(
  'a process killed in mid-commit leaves its last commit, or the one it was about to confirm',
  async (t) => {
    const folder = temporaryFolder(t);
    let confirmed = 0;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [COMMITTER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.teardown(() => child.kill('SIGKILL'));
      const closed = once(child, 'close');
      const goal = confirmed + 20 + round;
      createInterface({ input: child.stdout }).on('line', (line) => {
        confirmed = Number(line);
        if (confirmed >= goal) child.kill('SIGKILL');
      });
      await closed;
      const store = new LmdbStore(ACTOR, folder);
      const { version = 0 } = (await store.load()) ?? {};
      await store.close();
      t.ok(version === confirmed || version === confirmed + 1, `${version} after ${confirmed}`);
    }
  },
);

function isLast(outcome: Outcome): boolean {
  return (
    outcome.kind === 'loaded' && JSON.stringify(outcome.checkpoint) === JSON.stringify(checkpoint(COMMITS))
  );
}

/** One kind of damage, at a place drawn from the seed. */
function mutate(file: Buffer, random: SeededRandom): { what: string; damaged: Buffer } {
  const pages = file.length / PAGE;
  const kind = random.weighted({ header: 6, record: 4, any: 2, cut: 2, zero: 2, noise: 2, swap: 1 });
  const page = random.between(0, pages - 1);
  const fill = (bytes: () => number, start: number, length: number) => {
    for (let at = start; at < start + length; at++) file[at] = bytes();
  };
  switch (kind) {
    case 'header': {
      const bit = (random.between(0, 1) * PAGE + random.between(0, 167)) * 8 + random.between(0, 7);
      flip(file, bit);
      return { what: `bit of a header at ${bit}`, damaged: file };
    }
    case 'record': {
      const live = livePages(file);
      const leaf = live[random.between(0, live.length - 1)] as number;
      const from = usedFrom(file, leaf);
      const at = random.next() < 0.3 ? random.between(0, 30) : random.between(from, PAGE - 1);
      flip(file, (leaf * PAGE + at) * 8 + random.between(0, 7));
      return { what: `bit of a record at ${leaf}:${at}`, damaged: file };
    }
    case 'any': {
      const at = random.between(0, file.length - 1);
      flip(file, at * 8 + random.between(0, 7));
      return { what: `bit of any page at ${at}`, damaged: file };
    }
    case 'cut': {
      const length =
        random.next() < 0.5 ? random.between(2, pages - 1) * PAGE : random.between(1, file.length);
      return { what: `cut to ${length}`, damaged: file.subarray(0, length) };
    }
    case 'zero':
      fill(() => 0, page * PAGE, PAGE);
      return { what: `zeros at ${page}`, damaged: file };
    case 'noise': {
      const start = page * PAGE + random.between(0, 200);
      fill(() => random.between(0, 255), start, random.between(1, 64));
      return { what: `noise at ${start}`, damaged: file };
    }
    case 'swap': {
      const other = random.between(0, pages - 1);
      const copy = Buffer.from(file.subarray(page * PAGE, page * PAGE + PAGE));
      file.copy(file, page * PAGE, other * PAGE, other * PAGE + PAGE);
      copy.copy(file, other * PAGE);
      return { what: `pages swapped at ${page},${other}`, damaged: file };
    }
  }
}

function flip(file: Buffer, bit: number): void {
  const at = Math.floor(bit / 8);
  file[at] = (file[at] as number) ^ (1 << (bit % 8));
}

/** Pages that either header refers to: the roots of its two trees. */
function livePages(file: Buffer): number[] {
  const roots = [0, 1].flatMap((meta) => [88, 136].map((at) => file.readBigUInt64LE(meta * PAGE + at)));
  return roots.filter((root) => root < BigInt(file.length / PAGE)).map(Number);
}

function usedFrom(file: Buffer, page: number): number {
  return 24 + file.readUInt16LE(page * PAGE + 22);
}

async function committed(t: Test): Promise<Buffer> {
  const folder = temporaryFolder(t);
  const store = new LmdbStore(ACTOR, folder);
  for (let version = 1; version <= COMMITS; version++) {
    await store.commit(version > 1 ? checkpoint(version - 1) : undefined, checkpoint(version));
  }
  await store.close();
  return readFileSync(join(folder, FILE));
}

/** Loads files in a child process; a child that dies is an outcome too, and the next file gets a new one. */
function loader(t: Test): (file: Buffer) => Promise<Outcome> {
  const parent = temporaryFolder(t);
  let files = 0;
  let child: ReturnType<typeof start> | undefined;
  t.teardown(() => child?.process.kill('SIGKILL'));
  function start() {
    const process_ = spawn(process.execPath, [LOADER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: process_.stdout });
    return { process: process_, lines, died: once(process_, 'exit') };
  }
  return async (file) => {
    const folder = join(parent, `${files++}`);
    mkdirSync(folder);
    writeFileSync(join(folder, FILE), file);
    child ??= start();
    child.process.stdin.write(`${folder}\n`);
    const line = once(child.lines, 'line');
    const [first, signal] = await Promise.race([line, child.died.then(([code, signal]) => [code, signal])]);
    rmSync(folder, { recursive: true, force: true });
    if (typeof first === 'string') return JSON.parse(first) as Outcome;
    child = undefined;
    return { kind: 'broke', message: `the process ended: ${first ?? signal}` };
  };
}

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'warren-lmdb-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

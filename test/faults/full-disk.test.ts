/**
 * A disk without room, a small file system in memory here: requests are answered 503 with the reason in the log, nothing is consumed, and service goes on when
 * there is room, at a first start and in the middle of the load. To mount one takes root; without it there is nothing to try.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const SIZE = '8m';
const AS_ROOT = { skip: process.getuid?.() === 0 ? false : 'only root can mount a file system' };
const NO_ROOM = /No space left on device|no space left on device/;

/** The verdict shall not depend on how fast the machine is. */
const PATIENCE = { ASK_TIMEOUT_MS: '60000', SHED_AFTER_MS: '60000', STORE_GRACE_MS: '1000' };

t.test('a full disk is 503 with the reason, and service goes on when there is room', AS_ROOT, async (t) => {
  const disk = mountOf(t);
  const warren = await startWarren(t, { env: { DATA_DIR: join(disk, 'data'), ...PATIENCE } });
  t.match(await get(warren.url, '/next'), { status: 200, headers: { 'sequence-index': '1' } });
  fill(disk);
  let last = 1;
  for (;;) {
    const answer = await get(warren.url, '/next');
    if (answer.status !== 200) break;
    last = Number(answer.headers['sequence-index']);
  }
  await awayForRoom(warren);
  t.match(await get(warren.url, '/next'), { status: 503, body: /store-unavailable/ });
  t.match(await get(warren.url, '/ready'), { status: 503 });
  makeRoom(disk);
  await warren.waitForLog(({ origin }) => origin === 'returned' || origin === 'resumed');
  t.match(await get(warren.url, '/next'), { status: 200, headers: { 'sequence-index': `${last + 1}` } });
  t.equal(await warren.stop(), 0);
  const successor = await warren.again();
  t.match(await get(successor.url, '/next'), { headers: { 'sequence-index': `${last + 2}` } });
});

t.test(
  'a full disk at a first start, and at the next one, is 503 with the reason too',
  AS_ROOT,
  async (t) => {
    const disk = mountOf(t);
    fill(disk);
    let warren = await startWarren(t, { env: { DATA_DIR: join(disk, 'data'), ...PATIENCE } });
    await awayForRoom(warren);
    t.match(await get(warren.url, '/next'), { status: 503, body: /store-unavailable/ });
    makeRoom(disk);
    await warren.waitForLog(({ msg }) => msg === 'serving');
    t.match(await get(warren.url, '/next'), { headers: { 'sequence-index': '1' } });
    t.equal(await warren.stop(), 0);
    fill(disk);
    warren = await warren.again();
    await awayForRoom(warren);
    t.match(await get(warren.url, '/current'), { status: 503 });
    makeRoom(disk);
    await warren.waitForLog(({ msg }) => msg === 'serving');
    t.match(await get(warren.url, '/next'), { headers: { 'sequence-index': '2' } });
  },
);

async function awayForRoom(warren: WarrenProcess): Promise<void> {
  await warren.waitForLog(({ msg, reason }) => msg === 'the store is away' && NO_ROOM.test(`${reason}`));
}

function mountOf(t: Test): string {
  const disk = mkdtempSync(join(tmpdir(), 'warren-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', disk]);
  t.teardown(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmdirSync(disk);
  });
  return disk;
}

/** To the last byte. */
function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
}

function makeRoom(disk: string): void {
  rmSync(join(disk, 'filler'));
}

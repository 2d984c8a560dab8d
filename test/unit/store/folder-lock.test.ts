/** One process per folder, for exactly as long as it lives. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FolderLock } from '../../../src/store/folder-lock.js';
import { ChildHandle } from '../../support/child-handle.js';
import { LogTail } from '../../support/log-tail.js';

const HOLDER = new URL('./fixtures/holds-folder.js', import.meta.url).pathname;
const START_MS = 20_000;

t.test('a folder is locked once, until it is released', async (t) => {
  const folder = join(shortFolder(t), 'made', 'with', 'parents');
  const lock = await FolderLock.acquire(folder);
  await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use', message: folder });
  await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use' }, 'and a refusal frees nothing');
  await lock.release();
  t.notOk(existsSync(join(folder, 'owner.sock')));
  const next = await FolderLock.acquire(folder);
  await next.release();
});

t.test('another spelling of the folder is the same folder', async (t) => {
  const folder = join(shortFolder(t), 'data');
  mkdirSync(folder);
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  const lock = await FolderLock.acquire(folder);
  t.teardown(() => lock.release());
  await t.rejects(FolderLock.acquire(link), { code: 'folder-in-use' });
  await t.rejects(FolderLock.acquire(join(folder, '..', 'data')), { code: 'folder-in-use' });
});

t.test('another process holds it, and it is free as soon as that is killed', async (t) => {
  const folder = shortFolder(t);
  for (let round = 0; round < 3; round++) {
    const holder = await holderOf(t, folder);
    await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use' });
    await holder.end();
    t.ok(existsSync(join(folder, 'owner.sock')), 'the socket file is left behind');
  }
  const lock = await FolderLock.acquire(folder);
  await lock.release();
});

t.test('a holder that stands still holds on', async (t) => {
  const folder = shortFolder(t);
  const holder = await holderOf(t, folder);
  holder.signal('SIGSTOP');
  await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use' });
});

t.test('many that ask at once: exactly one gets it', async (t) => {
  const folder = shortFolder(t);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => FolderLock.acquire(folder)));
  const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  t.equal(locks.length, 1);
  for (const lock of locks) await lock.release();
});

t.test('a plain file in the place of the socket is no holder', async (t) => {
  const folder = shortFolder(t);
  writeFileSync(join(folder, 'owner.sock'), 'left by somebody');
  const lock = await FolderLock.acquire(folder);
  t.teardown(() => lock.release());
  await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use' });
});

t.test('a socket of any other program in that place counts as a holder', async (t) => {
  const folder = shortFolder(t);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(join(folder, 'owner.sock'), listening));
  t.teardown(() => server.close());
  await t.rejects(FolderLock.acquire(folder), { code: 'folder-in-use' });
});

t.test('folders whose paths are longer than a socket address, and alike at their beginnings', async (t) => {
  const parent = join(shortFolder(t), 'x'.repeat(100), 'y'.repeat(100));
  const [one, two] = [join(parent, 'one'), join(parent, 'two')];
  const lock = await FolderLock.acquire(one);
  t.ok(existsSync(join(one, 'owner.sock')), 'the lock is in that very folder');
  await t.rejects(FolderLock.acquire(one), { code: 'folder-in-use' });
  const other = await FolderLock.acquire(two);
  await other.release();
  await lock.release();
  t.notOk(existsSync(join(one, 'owner.sock')));
  const holder = await holderOf(t, one);
  await t.rejects(FolderLock.acquire(one), { code: 'folder-in-use' });
  await holder.end();
  const next = await FolderLock.acquire(one);
  await next.release();
});

/** A folder whose path is short enough for a socket address as it is. */
function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'warren-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function holderOf(t: Test, folder: string): Promise<ChildHandle> {
  const holder = await ChildHandle.spawn({ command: process.execPath, args: [HOLDER, folder], env: {} });
  t.teardown(() => holder.end());
  await new LogTail(holder).waitFor((line) => line.msg === 'holding', START_MS);
  return holder;
}

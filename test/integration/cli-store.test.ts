/** `inspect`, `backup` and `set-index` on the folder of a server: under load, from elsewhere, by other users; and what they leave behind. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ChildHandle } from '../support/child-handle.js';
import { type CliResult, runCli } from '../support/cli-process.js';
import { recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import { startWarren } from '../support/warren-process.js';

const CLI = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));
const AS_ROOT = { skip: process.getuid?.() === 0 ? false : 'only root can be other users' };
/** Any user but root. */
const NOBODY = 65534;

t.test('inspect and backup under load show what was acknowledged, and leave nothing behind', async (t) => {
  const folder = t.testdir();
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const warren = await startWarren(t);
  const env = { DATA_DIR: warren.dataDir, TMPDIR: temporary };
  const over = new AbortController();
  t.teardown(() => over.abort());
  const load = recordHistory({ url: warren.url, clients: 8, seed: 1, signal: over.signal });
  let index = await waitForIndex(warren.url, 50);
  for (let round = 1; round <= 3; round++) {
    const backup = join(folder, `backup-${round}`);
    for (const args of [['inspect'], ['backup', backup]]) {
      const { code, output } = await runCli(t, args, env);
      t.equal(code, 0, output);
      const { index: held } = JSON.parse(output);
      t.ok(held >= index, `${held} is at least ${index}`);
      index = await currentIndex(warren.url);
      t.ok(held <= index, `${held} is at most ${index}`);
    }
    const copy = await runCli(t, ['inspect'], { DATA_DIR: backup, TMPDIR: temporary });
    t.equal(copy.code, 0, copy.output);
  }
  over.abort();
  t.strictSame((await load).complaints, []);
  t.strictSame(readdirSync(temporary), []);
  t.equal(await warren.stop(), 0);
  t.strictSame(readdirSync(warren.dataDir), ['level']);
  const again = await warren.again();
  t.ok((await currentIndex(again.url)) >= index, 'the store is as sound as before');
});

t.test('a backup is a data folder, and never written over', async (t) => {
  const backup = join(t.testdir(), 'backup');
  const warren = await startWarren(t);
  await get(warren.url, '/next');
  const env = { DATA_DIR: warren.dataDir };
  t.equal((await runCli(t, ['backup', backup], env)).code, 0);
  t.match(await runCli(t, ['backup', backup], env), { code: 1, output: /is not empty/ });
  t.match(await runCli(t, ['backup'], env), { code: 2 });
  const other = await startWarren(t, { env: { DATA_DIR: backup } });
  t.equal((await get(other.url, '/next')).headers['sequence-index'], '2');
});

t.test(
  'another PID namespace and another user can inspect, and set-index leaves no file of root',
  AS_ROOT,
  async (t) => {
    const folder = t.testdir();
    const data = join(folder, 'data');
    mkdirSync(data);
    chownSync(data, NOBODY, NOBODY);
    const as = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const own = { DATA_DIR: data };
    const first = await setIndexAfterFirstStart(t, data, as);
    t.equal(first, 0);
    t.strictSame(strangersIn(data), [], "all of it is the user's");
    t.match(await cli(t, ['unshare', '--pid', '--fork'], ['inspect'], own), {
      code: 0,
      output: /"index": 0/,
    });
    t.match(await cli(t, as, ['inspect'], own), { code: 0, output: /"index": 0/ });
    t.match(await cli(t, [], ['set-index', '7', '--yes'], own), { code: 0, output: /holds index 7/ });
    t.strictSame(strangersIn(data), [], 'root leaves nothing that is its own');
    t.match(await cli(t, as, ['set-index', '8', '--yes'], own), { code: 0, output: /holds index 8/ });
    chmodSync(data, 0o700);
    const stranger = ['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups'];
    t.match(await cli(t, stranger, ['inspect'], own), {
      code: 1,
      output: /permission denied.*Run this as root/is,
    });
  },
);

t.test('a folder of another user, or a read-only one, ends the server with the cure', AS_ROOT, async (t) => {
  const folder = t.testdir();
  const theirs = join(folder, 'theirs');
  mkdirSync(theirs);
  const as = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const fatal = /"code":"folder-unusable".*chown -R 65534/;
  t.match(await serve(t, as, { DATA_DIR: theirs }), { code: 1, output: fatal });
  t.match(await serve(t, as, { DATA_DIR: join(theirs, 'below') }), { code: 1, output: fatal });
  const frozen = mkdtempSync(join(tmpdir(), 'warren-frozen-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', frozen], { stdio: 'ignore' });
  } catch {
    return;
  }
  t.teardown(() => {
    execFileSync('umount', ['--lazy', frozen]);
    rmdirSync(frozen);
  });
  for (const DATA_DIR of [frozen, join(frozen, 'a', 'b')]) {
    t.match(await serve(t, [], { DATA_DIR }), { code: 1, output: /"folder-unusable".*read-only/ });
  }
});

/** Starts and stops a server as another user, which makes the folder's files. */
async function setIndexAfterFirstStart(t: Test, data: string, as: readonly string[]): Promise<number | null> {
  const child = await program(as, [], {
    DATA_DIR: data,
    ADMIN_HOST_PORT: '',
    SERVING_HOST_PORT: '127.0.0.1:0',
  });
  t.teardown(async () => void (await child.end()));
  while (!child.output.includes('"msg":"serving"') && child.running) await pause();
  return (await child.stop(60_000)).code;
}

async function serve(t: Test, as: readonly string[], env: Record<string, string>): Promise<CliResult> {
  const child = await program(as, ['serve'], {
    ADMIN_HOST_PORT: '',
    SERVING_HOST_PORT: '127.0.0.1:0',
    ...env,
  });
  t.teardown(async () => void (await child.end()));
  return { code: (await child.exited).code, output: child.output };
}

async function cli(
  t: Test,
  as: readonly string[],
  args: readonly string[],
  env: Record<string, string>,
): Promise<CliResult> {
  const child = await program(as, args, env);
  t.teardown(async () => void (await child.end()));
  return { code: (await child.exited).code, output: child.output };
}

function program(
  as: readonly string[],
  args: readonly string[],
  env: Record<string, string>,
): Promise<ChildHandle> {
  const [command, ...rest] = [...as, process.execPath, CLI, ...(args.length > 0 ? args : ['serve'])];
  return ChildHandle.spawn({ command: command as string, args: rest, env });
}

function strangersIn(data: string): string[] {
  return readdirSync(data, { recursive: true })
    .map(String)
    .filter((name) => lstatSync(join(data, name)).uid !== NOBODY);
}

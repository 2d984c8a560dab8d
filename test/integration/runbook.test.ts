/** The runbook's lines about the embedded store, run as they stand there, one after the other, against a real server. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ChildHandle } from '../support/child-handle.js';
import { get } from '../support/http-client.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const RUNBOOK = new URL('../../../docs/operations/runbook.md', import.meta.url);
const CLI = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));

/** The shell's `npx` is the built program; stopping and starting a server is left to the test. */
const PRELUDE = `set -e
npx() { shift; "${process.execPath}" "${CLI}" "$@"; }
`;

t.test('each line of the runbook about the embedded store does what it says', async (t) => {
  const folder = t.testdir();
  const env = { DATA_DIR: join(folder, 'data'), BACKUP: join(folder, 'backup') };
  const user = { SERVER_USER: String(process.getuid?.()) };
  const sections = await sectionsOf(await readFile(RUNBOOK, 'utf8'));
  let warren: WarrenProcess = await startWarren(t, { env });
  const run = async (section: string): Promise<string> => {
    const lines = sections.get(section);
    if (lines === undefined) throw new Error(`the runbook has no lines under "${section}"`);
    sections.delete(section);
    let output = '';
    for (const part of lines.split(/^(stop_server|start_server)$/m)) {
      if (part === 'stop_server') t.equal(await warren.stop(), 0);
      else if (part === 'start_server') warren = await warren.again();
      else output += await shell(t, part, { ...env, ...user });
    }
    return output;
  };
  for (let index = 1; index <= 3; index++) await get(warren.url, '/next');

  t.match(await run('Inspect'), /"index": 3/);
  t.match(await run('Backup'), /"backup": ".*backup".*"index": 3/s);
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '4', 'the server has noticed nothing');
  t.match(await run('Restore'), /"index": 3/);
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '4', 'the number is handed out again');
  t.match(await run('Setting the index'), /another process serves.*holds index 4711/s);
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '4712');
  t.match(await run('A full disk'), /Filesystem/);
  await run('A folder that cannot be used');
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '4713');
  t.strictSame([...sections.keys()], [], 'nothing was left out');
});

/** Of the chapter about the embedded store: the shell's lines under each heading. */
async function sectionsOf(runbook: string): Promise<Map<string, string>> {
  const [, chapter = ''] = runbook.split(/^## The embedded store$/m);
  const [own = ''] = chapter.split(/^## /m);
  const found = new Map<string, string>();
  for (const section of own.split(/^### /m).slice(1)) {
    const title = section.slice(0, section.indexOf('\n'));
    const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines);
    if (blocks.length > 0) found.set(title, blocks.join(''));
  }
  return found;
}

async function shell(t: Test, lines: string, env: Record<string, string>): Promise<string> {
  const child = await ChildHandle.spawn({ command: '/bin/sh', args: ['-c', `${PRELUDE}${lines}`], env });
  t.teardown(async () => void (await child.end()));
  const { code } = await child.exited;
  t.equal(code, 0, `${lines}\n${child.output}`);
  return child.output;
}

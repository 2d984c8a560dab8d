/** The runbook's lines about stores and actors, run as they stand there, one after the other, against real servers. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ready } from '../support/actor-server.js';
import { ChildHandle } from '../support/child-handle.js';
import { get } from '../support/http-client.js';
import { post } from '../support/json-client.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const RUNBOOK = new URL('../../../docs/operations/runbook.md', import.meta.url);
const CLI = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));

const TICKETS = fileURLToPath(new URL('../../docs/examples/tickets/tickets.js', import.meta.url));

/** The shell's `npx` is the built program. */
const NPX = `#!/bin/sh
shift
exec "${process.execPath}" "${CLI}" "$@"
`;
/** Stopping and starting a server is left to the test. With what stands before it in the environment. */
const SERVER_LINE = /^((?:\w+="\$\w+" )*(?:stop_server|start_server))$/m;

class Chapter {
  warren: WarrenProcess;
  readonly #t: Test;
  readonly #sections: Map<string, string>;
  readonly #env: Record<string, string>;

  static async begin(
    t: Test,
    title: string,
    warren: WarrenProcess,
    env: Record<string, string>,
  ): Promise<Chapter> {
    const bin = await mkdtemp(join(tmpdir(), 'warren-npx-'));
    t.teardown(() => rm(bin, { recursive: true }));
    await writeFile(join(bin, 'npx'), NPX, { mode: 0o755 });
    const sections = sectionsOf(await readFile(RUNBOOK, 'utf8'), title);
    return new Chapter(t, warren, sections, { ...env, PATH: `${bin}:${process.env['PATH']}` });
  }

  private constructor(
    t: Test,
    warren: WarrenProcess,
    sections: Map<string, string>,
    env: Record<string, string>,
  ) {
    this.#t = t;
    this.warren = warren;
    this.#sections = sections;
    this.#env = env;
  }

  /** @returns what it has printed. */
  async run(section: string): Promise<string> {
    const lines = this.#sections.get(section);
    if (lines === undefined) throw new Error(`the runbook has no lines under "${section}"`);
    this.#sections.delete(section);
    let output = '';
    for (const part of lines.split(SERVER_LINE)) {
      if (part === 'stop_server') this.#t.equal(await this.warren.stop(), 0);
      else if (part.endsWith('start_server')) this.warren = await this.warren.again(this.#assigned(part));
      else output += await shell(this.#t, part, this.#env);
    }
    return output;
  }

  nothingIsLeft(): void {
    this.#t.strictSame([...this.#sections.keys()], [], 'nothing was left out');
  }

  #assigned(line: string): Record<string, string> {
    const found = [...line.matchAll(/(\w+)="\$(\w+)"/g)];
    return Object.fromEntries(found.map(([, name = '', from = '']) => [name, this.#env[from] ?? '']));
  }
}

t.test('each line of the runbook about the embedded store does what it says', async (t) => {
  const folder = t.testdir({ work: {} });
  const env = {
    DATA_DIR: join(folder, 'work', 'data'),
    BACKUP: join(folder, 'work', 'backup'),
    SERVER_USER: String(process.getuid?.()),
  };
  const warren = await startWarren(t, { env: { DATA_DIR: env.DATA_DIR } });
  const chapter = await Chapter.begin(t, 'The embedded store', warren, env);
  for (let index = 1; index <= 3; index++) await get(chapter.warren.url, '/next');

  t.match(await chapter.run('Inspect'), /"index": 3/);
  t.match(await chapter.run('Backup'), /"backup": ".*backup".*"index": 3/s);
  t.equal(
    (await get(chapter.warren.url, '/next')).headers['sequence-index'],
    '4',
    'the server has noticed nothing',
  );
  t.match(await chapter.run('Restore'), /"index": 3/);
  t.equal(
    (await get(chapter.warren.url, '/next')).headers['sequence-index'],
    '4',
    'the number is handed out again',
  );
  t.match(await chapter.run('Setting the index'), /another process serves.*holds index 4711/s);
  t.equal((await get(chapter.warren.url, '/next')).headers['sequence-index'], '4712');
  t.match(await chapter.run('A full disk'), /Filesystem/);
  await chapter.run('A folder that cannot be used');
  t.equal((await get(chapter.warren.url, '/next')).headers['sequence-index'], '4713');
  chapter.nothingIsLeft();
});

t.test('each line of the runbook about actors does what it says', async (t) => {
  const warren = await serveTickets(t);
  const chapter = await Chapter.begin(t, 'Actors in the store', warren, envOf(warren));
  for (const key of ['berlin', 'bonn', 'bern']) await take(warren, key);
  const seen = await chapter.run('Seeing actors');
  t.match(seen, /"actor":"tickets","count":3.*"key":"berlin".*"state": \{\s+"next": 3,/s);
  t.notMatch(seen, 'bonn');
  t.match(
    await chapter.run('Editing an actor'),
    /"key":"berlin","commit".*last commit is.*"key":"bonn".*"gone":true/s,
  );
  t.equal(await take(warren, 'berlin'), 11);
  t.equal(await take(warren, 'bonn'), 1);
  chapter.nothingIsLeft();
});

t.test('each line of the runbook about backups does what it says', async (t) => {
  const work = join(t.testdir({ work: {} }), 'work');
  const redis = await startRedis(t);
  const warren = await serveTickets(t, { DATA_DIR: join(work, 'data') });
  const files = { EXPORT: join(work, 'export.jsonl'), DRILL: join(work, 'drill'), NEW_REDIS_URL: redis.url };
  const chapter = await Chapter.begin(t, 'Backup and restore', warren, { ...envOf(warren), ...files });
  await take(warren, 'berlin');
  t.match(await chapter.run('A backup while serving'), /"warren":"end","lines":1/);
  t.match(await chapter.run('A restore drill'), /"epoch": 1\d{3}/);
  t.equal(await take(chapter.warren, 'berlin'), 3, 'the server has noticed nothing');
  await chapter.run('Returning to a point in time');
  await ready(chapter.warren);
  t.equal(await take(chapter.warren, 'berlin'), 3, 'the seats are given out again');
  t.match(await chapter.run('Moving to another kind of store'), /"actor":"tickets","count":1/);
  await ready(chapter.warren);
  t.equal(await take(chapter.warren, 'berlin'), 5);
  chapter.nothingIsLeft();
});

async function serveTickets(t: Test, env: Record<string, string> = {}): Promise<WarrenProcess> {
  const warren = await startWarren(t, { env: { ACTORS: TICKETS, ADMIN_HOST_PORT: '127.0.0.1:0', ...env } });
  await ready(warren);
  return warren;
}

function envOf(warren: WarrenProcess): Record<string, string> {
  return { DATA_DIR: warren.dataDir, ADMIN_HOST_PORT: new URL(warren.adminUrl).host, SHARDS: '1' };
}

/** @returns the first of two seats. */
async function take(warren: WarrenProcess, key: string): Promise<number> {
  const { body } = await post(warren.url, `/tickets/${key}/take`, '{"seats": 2}');
  return (body as { from: number }).from;
}

/** Of a chapter: the shell's lines under each heading. */
function sectionsOf(runbook: string, title: string): Map<string, string> {
  const [, chapter = ''] = runbook.split(new RegExp(`^## ${title}$`, 'm'));
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
  const child = await ChildHandle.spawn({ command: '/bin/sh', args: ['-ec', lines], env });
  t.teardown(async () => void (await child.end()));
  const { code } = await child.exited;
  t.equal(code, 0, `${lines}\n${child.output}`);
  return child.output;
}

/** What `npm pack` makes: only what runs, all of what runs; and installed elsewhere, with nothing but it, it runs. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import * as client from '../../src/client/index.js';
import * as main from '../../src/index.js';
import * as testing from '../../src/testing/index.js';
import { get } from '../support/http-client.js';
import { packedProject } from '../support/packed-project.js';
import { startWarren } from '../support/warren-process.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const npm = (cwd: string, args: readonly string[]) =>
  execFileSync('npm', [...args, '--prefix', cwd, '--json'], { cwd, encoding: 'utf8', stdio: 'pipe' });

t.test('the package has what runs, and neither tests nor sources nor data', async (t) => {
  const [{ files }] = JSON.parse(npm(root, ['pack', '--dry-run', '--ignore-scripts']));
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  for (const needed of [
    'dist/src/main.js',
    'dist/src/cli/warren.js',
    'dist/src/operations/page/index.html',
    'dist/src/operations/page/page.css',
    'dist/src/operations/page/page.js',
    'dist/src/operations/page/icon.svg',
    'dist/workers/owner.js',
    'dist/workers/format.js',
    'dist/src/index.d.ts',
    'dist/src/client/index.d.ts',
    'dist/src/testing/index.d.ts',
    'package.json',
    'README.md',
    'LICENSE',
  ]) {
    t.ok(paths.includes(needed), needed);
  }
  t.ok(
    paths.some((path) => path.endsWith('.wasm')),
    'the kernel',
  );
  const folders = /^(dist\/src|dist\/workers|docs)\/|^(package\.json|README\.md|LICENSE)$/;
  t.strictSame(
    paths.filter((path) => !folders.test(path)),
    [],
  );
});

t.test(
  'an installed package serves numbers and the live page, with production dependencies alone',
  async (t) => {
    // Outside of this repository, whose modules would be found otherwise.
    const folder = await mkdtemp(join(tmpdir(), 'warren-package-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [{ filename }] = JSON.parse(npm(root, ['pack', '--ignore-scripts', '--pack-destination', folder]));
    writeFileSync(join(folder, 'package.json'), '{"private": true}');
    npm(folder, [
      'install',
      '--omit=dev',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(folder, filename),
    ]);
    const entry = pathToFileURL(join(folder, 'node_modules/.bin/warren'));
    const warren = await startWarren(t, { entry, args: ['serve'], env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
    t.equal((await get(warren.url, '/next')).body, '{"next": 1}');
    const { status, body } = await get(warren.adminUrl, '/');
    t.equal(status, 200);
    const assets = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    const { body: script } = await get(warren.adminUrl, '/page.js');
    const modules = [...script.matchAll(/from '\.\/([^']+)'/g)].map(([, path = '']) => path);
    t.ok(assets.length > 3 && modules.length > 1);
    for (const path of [...assets, ...modules]) {
      t.equal((await get(warren.adminUrl, `/${path}`)).status, 200, path);
    }
    t.equal((await get(warren.adminUrl, '/metrics')).status, 200);
    t.equal(await warren.stop(), 0);
  },
);

t.test('the program can be executed as it was built, also a second time', async (t) => {
  const program = fileURLToPath(new URL('dist/src/cli/warren.js', pathToFileURL(root)));
  t.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /^\d+\.\d+\.\d+\n$/);
  // What makes it executable is part of the build, since each build makes the file anew.
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.match(scripts.build, 'build:program');
});

t.test('each entry exports these names, and no others', async (t) => {
  t.strictSame(Object.keys(main).sort(), ['AskError', 'actor', 'refuse', 'serve']);
  t.strictSame(Object.keys(client).sort(), ['NoAnswerError', 'ProblemError', 'createClient']);
  t.strictSame(Object.keys(testing).sort(), ['TestActor', 'TurnError']);
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.strictSame(Object.keys(exports), ['.', './client', './test']);
});

const JAVASCRIPT = `
import { strict as assert } from 'node:assert';
import { serve } from 'warren';
import { createClient } from 'warren/client';
import { TestActor } from 'warren/test';
import tickets from './tickets.mjs';

const service = await serve(new URL('./tickets.mjs', import.meta.url), { STORE: 'memory', SERVING_HOST_PORT: '127.0.0.1:0' });
assert.deepEqual(await service.ask('tickets', 'berlin', 'take', { seats: 2 }), { ok: true, reply: { from: 1, seats: 2 } });
assert.deepEqual((await createClient(service.url).tickets('berlin').left()).reply, { left: 98 });
await service.close();
assert.deepEqual(await new TestActor(tickets).ask('berlin', 'left'), { ok: true, reply: { left: 100 } });
console.log('all is well');
`;

const TICKETS = `
import { actor, refuse } from 'warren';
export default actor({
  name: 'tickets',
  initial: { next: 1, left: 100 },
  commands: {
    take({ next, left }, { seats }) {
      if (seats > left) return refuse('sold-out', { left });
      return { state: { next: next + seats, left: left - seats }, reply: { from: next, seats } };
    },
  },
  queries: { left: ({ left }) => ({ left }) },
});
`;

/** The same in TypeScript, where each wrong line must be one: an error that is expected and missing is an error, too. */
const TYPESCRIPT = JAVASCRIPT.replace("from './tickets.mjs'", "from './typed-tickets.mjs'")
  .replace('createClient(', 'createClient<typeof tickets>(')
  .replace(
    'await service.close();',
    `const { ok, refusal } = await createClient<typeof tickets>(service.url).tickets('berlin').take({ seats: 99 });
if (!ok) { const left: number = refusal.details.left; assert.equal(left, 98); }
// @ts-expect-error: seats are a number
createClient<typeof tickets>(service.url).tickets('berlin').take({ seats: 'two' }).catch(() => {});
// @ts-expect-error: there is no such setting
serve('./tickets.mjs', { COLOUR: 'red' }).catch(() => {});
await service.close();`,
  );

t.test('a packed package is used from JavaScript and from TypeScript, in a project of its own', async (t) => {
  const folder = await packedProject(t);
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  write('tickets.mjs', TICKETS);
  write('use.mjs', JAVASCRIPT);
  t.equal(run('use.mjs'), 'all is well\n');

  write('typed-tickets.mts', TICKETS.replace('{ seats })', '{ seats }: { seats: number })'));
  write('typed.mts', TYPESCRIPT);
  const options = { module: 'NodeNext', target: 'ES2023', strict: true, types: ['node'], outDir: 'built' };
  write('tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['*.mts'] }));
  run(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  write('built/tickets.mjs', TICKETS);
  t.equal(run('built/typed.mjs'), 'all is well\n');
});

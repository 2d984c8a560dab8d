/**
 * Runs test files side by side, each in a process of its own: those that are named, or all of them. On a terminal it shows a report; otherwise
 * it prints TAP.
 *
 * The program `tap` would start each file with hooks for its coverage. On Node 20 they cost every process of a test about 1 s of CPU.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import t from 'tap';

/** At the same time. Most files wait for processes and timers half of their time. */
const JOBS = 4;
/** For one file, on a slow and busy machine. */
const TIMEOUT_S = 600;

const folder = import.meta.dirname;
const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && !name.includes('fixtures/'))
  .sort()
  .map((name) => relative('.', `${folder}/${name}`));
const files = process.argv.length > 2 ? process.argv.slice(2) : all;

t.jobs = JOBS;
t.setTimeout(0);
t.plan(files.length);
if (process.stdout.isTTY) {
  const report = spawn('npx', ['tap', '--disable-coverage', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  t.pipe(report.stdin);
}
for (const file of files) {
  const args = ['--unset=NODE_OPTIONS', process.execPath, '--enable-source-maps', file];
  const env = { ...process.env, TAP_TIMEOUT: `${TIMEOUT_S}` };
  void t.spawn('env', args, { buffered: true, timeout: TIMEOUT_S * 1_000, env }, file);
}

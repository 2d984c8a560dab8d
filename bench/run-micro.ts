/** Entry of the micro benches: each file of bench/micro/ in a process of its own, so that none warms or slows another. */
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../test/support/child-handle.js';
import { Teardowns } from './teardowns.js';

const FOLDER = fileURLToPath(new URL('./micro/', import.meta.url));
const wanted = process.argv.slice(2);

const scope = new Teardowns();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void scope.run().finally(() => process.exit(130)));
}
const { node } = process.versions;
console.log(
  `Node ${node}, ${cpus().length} × ${cpus()[0]?.model}, load average ${loadavg()[0]?.toFixed(1)}\n`,
);
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.js'));
const chosen = files.filter((file) => wanted.length === 0 || wanted.includes(basename(file, '.js')));
if (chosen.length === 0) {
  console.error(`usage: npm run bench:micro -- [${files.map((file) => basename(file, '.js')).join('] [')}]`);
  process.exitCode = 64;
}
for (const file of chosen) {
  console.log(`## ${basename(file, '.js')}\n`);
  const child = await ChildHandle.spawn({
    command: process.execPath,
    args: ['--enable-source-maps', `${FOLDER}${file}`],
    env: {},
  });
  scope.teardown(() => child.end());
  child.onOutput((chunk) => process.stdout.write(chunk));
  const { code } = await child.exited;
  if (code !== 0) process.exitCode = 1;
}

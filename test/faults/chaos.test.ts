/**
 * Short chaos runs with fixed seeds, by the command that makes long ones (`npm run chaos`). Each run is a process of its own, which exits as soon as it has
 * its verdict: hundreds of connections that were cut off can keep Node 20 from an end by itself.
 */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ChildHandle } from '../support/child-handle.js';

const MAIN = fileURLToPath(new URL('../chaos/main.js', import.meta.url));

for (const [actor, store, seed] of [
  ['sequence', 'level', 1],
  ['sequence', 'redis', 2],
  ['counter', 'level', 3],
  ['counter', 'redis', 4],
  ['calls', 'level', 5],
  ['calls', 'redis', 6],
] as const) {
  t.test(`five seconds of random faults lose nothing of the ${actor} on ${store}`, async (t) => {
    const options = ['--seconds', '5', '--seed', `${seed}`, '--store', store, '--actor', actor];
    const run = await ChildHandle.spawn({ command: process.execPath, args: [MAIN, ...options], env: {} });
    t.teardown(async () => {
      await run.end();
    });
    t.strictSame(await run.exited, { code: 0, signal: null }, run.output);
    t.match(run.output, /^verdict: linearizable, nothing lost, nothing repeated/m);
    t.match(run.output, /faults [1-9]/, 'there were faults');
    t.match(run.output, /^answers: .*\b200 [1-9]/m, 'and answers in spite of them');
  });
}

/** Owners under random schedules: deaths, suspensions, lost answers, and a store that loses what it had confirmed. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { FAMILIES } from './fixtures/families.js';
import type { Verdict } from './fixtures/run-schedules.js';

const SCHEDULES = new URL('./fixtures/run-schedules.js', import.meta.url);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env['RUNS'] ?? 140);

for (const name of Object.keys(FAMILIES)) {
  t.test(`${name}: what was acknowledged is stored once, whatever happens (SEED=${SEED})`, async (t) => {
    const worker = new Worker(SCHEDULES, { workerData: { name, runs: RUNS, seed: SEED }, execArgv: [] });
    t.teardown(() => worker.terminate());
    const [{ failure, answers, takes }] = (await once(worker, 'message')) as [Verdict];
    t.equal(failure, undefined);
    t.ok(answers > RUNS / 2, `${answers} answers`);
    t.ok(takes >= RUNS, `${takes} times the fence was taken`);
  });
}

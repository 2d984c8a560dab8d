/** The owner under thousands of random schedules; what they are made of is in `fixtures/owner-schedules.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { Task } from './fixtures/owner-schedules.js';
import type { Verdict } from './fixtures/schedule-steps.js';

const MODEL = new URL('./fixtures/owner-schedules.js', import.meta.url);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 1_000);

for (const durability of ['gated', 'async'] as const) {
  t.test(`${durability}: replies are those of one counter, whatever happens (SEED=${SEED})`, async (t) => {
    const workerData: Task = { durability, seed: SEED, schedules: SCHEDULES };
    const worker = new Worker(MODEL, { workerData, execArgv: [] });
    t.teardown(() => worker.terminate());
    const [{ schedules, refusals, failure }] = (await once(worker, 'message')) as [Verdict];
    t.equal(failure, undefined);
    t.equal(schedules, SCHEDULES);
    t.ok(refusals > 0, `${refusals} refusals`);
  });
}

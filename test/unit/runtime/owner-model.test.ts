/** The owner under thousands of random schedules; what they are made of is in `fixtures/owner-schedules.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { Task } from './fixtures/owner-schedules.js';
import type { Verdict } from './fixtures/schedule-steps.js';

const SCHEDULES = new URL('./fixtures/owner-schedules.js', import.meta.url);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const TIME_LIMIT_MS = Number(process.env['MODEL_MS'] ?? 3_000);

for (const durability of ['gated', 'async'] as const) {
  t.test(`${durability}: replies are those of one counter, whatever happens (SEED=${SEED})`, async (t) => {
    const workerData: Task = { durability, seed: SEED, timeLimitMs: TIME_LIMIT_MS };
    const worker = new Worker(SCHEDULES, { workerData, execArgv: [] });
    t.teardown(() => worker.terminate());
    const [{ schedules, refusals, failure }] = (await once(worker, 'message')) as [Verdict];
    t.equal(failure, undefined);
    const perSecond = Math.round((schedules * 1_000) / TIME_LIMIT_MS);
    t.ok(perSecond >= 500, `${perSecond} schedules per second`);
    t.ok(refusals > 0, `${refusals} refusals`);
  });
}

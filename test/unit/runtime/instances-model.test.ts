/** Several instances on one record under random schedules; what they are made of is in `fixtures/instance-schedules.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { InstancesVerdict, Task } from './fixtures/instance-schedules.js';

const SCHEDULES = new URL('./fixtures/instance-schedules.js', import.meta.url);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const TIME_LIMIT_MS = Number(process.env['MODEL_MS'] ?? 3_000);

for (const instances of [2, 3]) {
  t.test(`${instances} instances: one line of numbers, whatever happens (SEED=${SEED})`, async (t) => {
    const workerData: Task = { instances, seed: SEED, timeLimitMs: TIME_LIMIT_MS };
    const worker = new Worker(SCHEDULES, { workerData, execArgv: [] });
    t.teardown(() => worker.terminate());
    const [verdict] = (await once(worker, 'message')) as [InstancesVerdict];
    const { schedules, refusals, reigns, lossless, failure } = verdict;
    t.equal(failure, undefined);
    const perSecond = Math.round((schedules * 1_000) / TIME_LIMIT_MS);
    t.comment(
      `${perSecond} schedules per second, ${refusals} refusals, ${reigns} reigns, ${lossless} lossless`,
    );
    t.ok(perSecond >= 200, `${perSecond} schedules per second`);
    t.ok(reigns > schedules && refusals > schedules, 'they take over from each other');
    t.ok(lossless > schedules / 2, `${lossless} of ${schedules} are held to every promise`);
  });
}

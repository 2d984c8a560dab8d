/** Several instances on one record under random schedules; what they are made of is in `fixtures/instance-schedules.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { InstancesVerdict, Task } from './fixtures/instance-schedules.js';

const MODEL = new URL('./fixtures/instance-schedules.js', import.meta.url);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 400);

const WORLDS = [
  { instances: 2, durability: 'gated' },
  { instances: 3, durability: 'gated' },
  { instances: 2, durability: 'async' },
] as const;

for (const { instances, durability } of WORLDS) {
  t.test(
    `${instances} instances, ${durability}: one line of numbers, whatever happens (SEED=${SEED})`,
    async (t) => {
      const workerData: Task = { instances, durability, seed: SEED, schedules: SCHEDULES };
      const worker = new Worker(MODEL, { workerData, execArgv: [] });
      t.teardown(() => worker.terminate());
      const [verdict] = (await once(worker, 'message')) as [InstancesVerdict];
      const { schedules, refusals, reigns, lossless, failure } = verdict;
      t.equal(failure, undefined);
      t.equal(schedules, SCHEDULES);
      t.comment(`${schedules} schedules, ${refusals} refusals, ${reigns} reigns, ${lossless} lossless`);
      t.ok(reigns > schedules && refusals > schedules, 'they take over from each other');
      t.ok(lossless > schedules / 4, `${lossless} of ${schedules} are held to every promise`);
    },
  );
}

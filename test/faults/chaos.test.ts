/** Short chaos runs with fixed seeds; `npm run chaos` makes long ones. */
import t from 'tap';
import { passed, tell } from '../chaos/report.js';
import { runChaos } from '../chaos/run.js';

for (const [actor, store, seed] of [
  ['sequence', 'level', 1],
  ['sequence', 'redis', 2],
  ['counter', 'level', 3],
  ['counter', 'redis', 4],
  ['calls', 'level', 5],
  ['calls', 'redis', 6],
] as const) {
  t.test(`five seconds of random faults lose nothing of the ${actor} on ${store}`, async (t) => {
    const report = await runChaos(t, { store, actor, seed, seconds: 5 });
    t.ok(passed(report), tell(report));
    t.ok(report.timeline.length > 0, 'there were faults');
    t.ok((report.history.answers.get('200') ?? 0) > 0, 'and answers in spite of them');
  });
}

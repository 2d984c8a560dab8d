/** Short chaos runs with fixed seeds; `npm run chaos` makes long ones. */
import t from 'tap';
import { passed, tell } from '../chaos/report.js';
import { runChaos } from '../chaos/run.js';

for (const [store, seed] of [
  ['level', 1],
  ['redis', 2],
] as const) {
  t.test(`five seconds of random faults on ${store} lose nothing and repeat nothing`, async (t) => {
    const report = await runChaos(t, { store, seed, seconds: 5 });
    t.ok(passed(report), tell(report));
    t.ok(report.timeline.length > 0, 'there were faults');
    t.ok((report.history.answers.get('200') ?? 0) > 0, 'and answers in spite of them');
  });
}

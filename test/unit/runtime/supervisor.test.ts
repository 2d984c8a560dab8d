/** What follows on the death of an owner. */
import t from 'tap';
import { Supervisor } from '../../../src/runtime/supervisor.js';

const LIMITS = { restartLimit: 3, restartWindowMs: 1_000 };

t.test('deaths up to the limit are restarted, one more in the window gives up', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  const actions = [0, 10, 20, 30].map((now) => supervisor.died(now, undefined).action);
  t.strictSame(actions, ['restart', 'restart', 'restart', 'give-up']);
});

t.test('deaths leave the window after its length, not before', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  for (const now of [0, 10, 20]) supervisor.died(now, undefined);
  t.equal(supervisor.died(1_000, undefined).action, 'restart', 'the first one has just left');
  t.equal(supervisor.died(1_009, undefined).action, 'give-up', 'the second one has not');
});

t.test('a steady rate below the limit goes on for ever', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  for (let now = 0; now < 1e6; now += 334) {
    if (supervisor.died(now, undefined).action !== 'restart') t.fail(`gave up at ${now}`);
  }
});

t.test('a limit of zero tolerates no death', async (t) => {
  t.equal(new Supervisor({ ...LIMITS, restartLimit: 0 }).died(0, undefined).action, 'give-up');
});

t.test('a message is poisoned by its second death in a row', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  t.equal(supervisor.died(0, 7).poisoned, false);
  t.equal(supervisor.died(2_000, 7).poisoned, true, 'however long after the first');
  t.equal(supervisor.died(4_000, 7).poisoned, false, 'and then the count begins anew');
});

t.test('two messages with one death each are not poisoned, nor is a death between turns', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  const poisoned = [7, 8, 7, undefined, 7, undefined, undefined].map(
    (suspect, at) => supervisor.died(at * 2_000, suspect).poisoned,
  );
  t.ok(poisoned.every((yes) => !yes));
});

t.test('the message at position 0 can be poisoned, too', async (t) => {
  const supervisor = new Supervisor(LIMITS);
  supervisor.died(0, 0);
  t.equal(supervisor.died(1, 0).poisoned, true);
});

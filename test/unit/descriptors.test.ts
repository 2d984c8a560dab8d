/** How the limit of open files is shared out. */
import t from 'tap';
import { connectionLimits } from '../../src/descriptors.js';

t.test('connections and what is open leave a reserve below the limit', async (t) => {
  for (const limit of [200, 256, 1024, 20_000, 1_048_576]) {
    const { serving, admin } = connectionLimits(limit, 40);
    t.ok(serving > 0 && admin > 0);
    t.ok(40 + serving + admin <= limit - 60, `${limit}: ${serving} and ${admin}`);
  }
});

t.test('a limit that leaves no room still lets one client in', async (t) => {
  t.strictSame(connectionLimits(64, 60), { serving: 1, admin: 1 });
});

t.test('without a limit there is none', async (t) => {
  t.equal(connectionLimits(Number.POSITIVE_INFINITY, 40).serving, Number.POSITIVE_INFINITY);
});

t.test('the limit of this process is found', async (t) => {
  const { serving, admin } = connectionLimits();
  t.ok(serving >= 1 && admin >= 1 && admin <= 128);
});

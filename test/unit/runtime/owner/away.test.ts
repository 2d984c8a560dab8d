/** What an owner tells of a store that is away. */
import t from 'tap';
import { SharedContent } from './fixtures/held-store.js';
import { Instance } from './fixtures/instance.js';
import { Oracle } from './fixtures/oracle.js';
import { turn, WorldClock } from './fixtures/world-clock.js';

/** More than the grace, and more than the bound on one call. */
const LONG_MS = 2_000;

t.test('a store that was silent says later what it lacks: both are told, and each once', async (t) => {
  const world = new WorldClock();
  const content = new SharedContent();
  content.automatic = undefined;
  const instance = new Instance('one', world, [content], new Oracle(), {
    durability: 'gated',
    shared: true,
    shards: 1,
  });
  const reasons = () => instance.events.flatMap((event) => (event.kind === 'away' ? [event.reason] : []));
  await world.pass(LONG_MS);
  t.match(reasons(), [/^the store did not answer/]);
  t.equal(reasons().length, 1);
  for (let tries = 0; tries < 3; tries++) {
    while (content.held.length > 0) content.answer('fails');
    await turn();
    await world.pass(LONG_MS);
  }
  t.match(reasons(), [/^the store did not answer/, 'cut by the test']);
  t.equal(reasons().length, 2);
});

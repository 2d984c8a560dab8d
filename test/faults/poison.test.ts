/** A request that ends the owner twice, on the real server: its client hears of it, the log names it, all others are served. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const POISON = fileURLToPath(new URL('./fixtures/poisonous-previous.js', import.meta.url));

t.test('a request that ends two owners is answered 500, logged and left out', async (t) => {
  const warren = await startWarren(t, { nodeArgs: ['--import', POISON] });
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '1');
  const headers = { 'x-request-id': 'the-poisonous-one' };
  const [poisoned, ...others] = await Promise.all([
    get(warren.url, '/previous', { headers }),
    ...Array.from({ length: 5 }, () => get(warren.url, '/next')),
  ]);
  t.equal(poisoned.status, 500);
  t.equal(poisoned.headers['content-type'], 'application/problem+json');
  t.match(JSON.parse(poisoned.body), { code: 'poisoned', status: 500, requestId: 'the-poisonous-one' });
  t.strictSame(others.map((answer) => Number(answer.headers['sequence-index'])).sort(), [2, 3, 4, 5, 6]);
  const logged = (msg: string) => warren.logs.filter((line) => line.msg === msg);
  const deaths = logged('the owner died; a new one takes over');
  t.equal(deaths.length, 2);
  for (const death of deaths) t.match(death, { reason: 'Error: poison of the test' });
  t.match(logged('a request that ended two owner threads is left out'), [
    { level: 50, message: 'fibonacci.previous' },
  ]);
  t.match(
    warren.logs.filter(({ code }) => code === 'poisoned'),
    [{ level: 50, method: 'GET', path: '/previous', requestId: 'the-poisonous-one' }],
  );
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '7');
});

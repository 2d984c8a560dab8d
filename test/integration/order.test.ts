/** Many clients at once see one order: no number twice, none left out, no reply from the past or the future. */
import t, { type Test } from 'tap';
import { sequence } from '../../src/verify/subject.js';
import { recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { checkHistory } from '../support/linearizability.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren } from '../support/warren-process.js';

const OPERATIONS = 10_000;
const CLIENTS = 100;

async function oneOrder(t: Test, env: ServerEnv): Promise<void> {
  const warren = await startWarren(t, { env });
  const seed = Date.now() % 2 ** 31;
  const { operations, answers, complaints } = await recordHistory({
    url: warren.url,
    clients: CLIENTS,
    operations: OPERATIONS,
    seed,
    subject: sequence(OPERATIONS),
  });
  const last = await get(warren.url, '/current');
  const finalIndex = Number(last.headers['sequence-index']);
  t.strictSame([...answers], [['200', operations.length]], `every request is served (seed ${seed})`);
  t.strictSame(complaints, [], 'every body belongs to its index');
  t.ok(operations.length >= OPERATIONS);
  const verdict = checkHistory(operations, { finalIndex });
  t.match(verdict, { ok: true, stats: { gaps: 0, unknownNexts: 0, highestIndex: finalIndex } });
  t.ok(finalIndex > OPERATIONS / 3, `${finalIndex} numbers were handed out`);
}

t.test('10,000 requests of 100 clients have one order on LevelDB', (t) => oneOrder(t, { STORE: 'level' }));

t.test('10,000 requests of 100 clients have one order on Redis', async (t) => {
  const redis = await startRedis(t, { appendOnly: true });
  await oneOrder(t, { REDIS_URL: redis.url });
});

t.test('10,000 requests of 100 clients have one order in memory, without a gate', (t) =>
  oneOrder(t, { STORE: 'memory', DURABILITY: 'async' }),
);

/** What was acknowledged survives the process: a successor goes on at the next number, on every durable store. */
import t, { type Test } from 'tap';
import { type Operation, recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { checkHistory } from '../support/linearizability.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import { type ServerEnv, startWarren } from '../support/warren-process.js';

/** How many numbers are handed out in a life, at the least. */
const LIFE_NUMBERS = 200;
const CLIENTS = 40;

/** Three lives under load, each ended by SIGKILL: one history. */
async function threeLives(t: Test, env: ServerEnv): Promise<void> {
  let warren = await startWarren(t, { env });
  const operations: Operation[] = [];
  const complaints: string[] = [];
  const over = new AbortController();
  t.teardown(() => over.abort());
  const seed = Date.now() % 2 ** 31;
  const load = recordHistory({ url: warren.url, clients: CLIENTS, seed, signal: over.signal });
  let index = 0;
  for (let life = 1; life <= 2; life++) {
    index = await waitForIndex(warren.url, index + LIFE_NUMBERS);
    warren.kill();
    await warren.exited;
    warren = await warren.again();
  }
  over.abort();
  const history = await load;
  operations.push(...history.operations);
  complaints.push(...history.complaints);
  const finalIndex = await currentIndex(warren.url);
  t.strictSame(complaints, []);
  const verdict = checkHistory(operations, { finalIndex });
  t.match(verdict, { ok: true }, `one order over three lives (seed ${seed})`);
  if (verdict.ok) t.comment(verdict.stats);
  t.ok(verdict.ok && verdict.stats.unknownNexts > 0, 'the kill came in the middle of the load');
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${finalIndex + 1}`);
}

t.test('after kill -9 under load LevelDB goes on exactly where it was', (t) =>
  threeLives(t, { STORE: 'level' }),
);

t.test('after kill -9 under load Redis goes on exactly where it was', async (t) => {
  const redis = await startRedis(t);
  await threeLives(t, { REDIS_HOST_PORT: redis.hostPort });
});

for (const durability of ['gated', 'async'] as const) {
  t.test(`a clean stop under load loses nothing on LevelDB and on Redis, ${durability}`, async (t) => {
    const redis = await startRedis(t);
    for (const env of [{ STORE: 'level' }, { REDIS_HOST_PORT: redis.hostPort }]) {
      const warren = await startWarren(t, { env: { ...env, DURABILITY: durability } });
      const over = new AbortController();
      t.teardown(() => over.abort());
      const load = recordHistory({ url: warren.url, clients: CLIENTS, seed: 7, signal: over.signal });
      const index = await waitForIndex(warren.url, LIFE_NUMBERS);
      t.equal(await warren.stop(), 0);
      const successor = await warren.again();
      await waitForIndex(successor.url, index + LIFE_NUMBERS);
      over.abort();
      const { operations, complaints, answers } = await load;
      t.strictSame(complaints, []);
      const finalIndex = await currentIndex(successor.url);
      t.match(
        checkHistory(operations, { finalIndex }),
        { ok: true, stats: { gaps: 0 } },
        JSON.stringify(env),
      );
      t.ok((answers.get('200') ?? 0) > 100);
      await successor.stop();
    }
  });
}

t.test('the first commit is as safe as any: one number, kill -9, and the next one', async (t) => {
  let warren = await startWarren(t);
  for (let index = 1; index <= 5; index++) {
    t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${index}`);
    warren.kill();
    await warren.exited;
    warren = await warren.again();
  }
  t.equal(await currentIndex(warren.url), 5);
});

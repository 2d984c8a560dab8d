/** Actors of one's own while threads and processes are killed: what was acknowledged is there, once. */
import t from 'tap';
import { ready, serveCounters } from '../support/actor-server.js';
import { CounterLoad } from '../support/counter-load.js';
import { post } from '../support/json-client.js';
import { startRedis } from '../support/redis-process.js';

t.test(
  'a request that hangs the owner twice is answered 500, and those behind it are answered',
  async (t) => {
    const { url } = await serveCounters(t, {
      WATCHDOG_MS: '3000',
      ASK_TIMEOUT_MS: '60000',
      SHED_AFTER_MS: '60000',
    });
    await post(url, '/counter/a/add');
    const spin = post(url, '/counter/a/spin');
    const behind = post(url, '/counter/a/add');
    t.match(await spin, { status: 500, body: { code: 'poisoned' } });
    t.match(await behind, { status: 200, body: 2 });
  },
);

for (const store of ['level', 'redis'] as const) {
  t.test(
    `${store}: what was acknowledged survives kills of the process and of the owner thread, once`,
    async (t) => {
      const env: Record<string, string> = { FAULTS: 'on' };
      if (store === 'redis') env['REDIS_URL'] = (await startRedis(t)).url;
      let warren = await serveCounters(t, env);
      const load = new CounterLoad({ url: warren.url, clients: 30, keys: 20 });
      for (let life = 0; life < 3; life++) {
        await load.more(300);
        for (let death = 0; death < 3; death++) {
          warren.kill('SIGUSR2');
          await load.more(50);
        }
        warren.kill();
        await warren.exited;
        warren = await warren.again();
        await ready(warren);
      }
      await load.more(300);
      await load.end();
      await load.judge();
      t.ok(
        load.acknowledged > 1_000,
        `${load.acknowledged} acknowledged, others ${JSON.stringify([...load.others])}`,
      );
    },
  );
}

t.test('the death of an owner thread is seen by no client', async (t) => {
  const warren = await serveCounters(t, {
    FAULTS: 'on',
    // However slow the machine is.
    SHED_AFTER_MS: '60000',
    ASK_TIMEOUT_MS: '90000',
  });
  const load = new CounterLoad({ url: warren.url, clients: 20, keys: 5 });
  for (let death = 0; death < 5; death++) {
    await load.more(100);
    warren.kill('SIGUSR2');
  }
  await load.more(100);
  await load.end();
  await load.judge();
  t.strictSame([...load.others], [], 'every request was answered with 200');
});

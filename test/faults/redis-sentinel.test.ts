/** Fail-overs that Sentinel makes while counters count: an old master that lives on as a replica, and one that dies with commits that no replica has. */
import t, { type Test } from 'tap';
import { ACTORS, ready } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { CounterLoad } from '../support/counter-load.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { QUICK, startReplica, untilLinked } from '../support/redis-replica.js';
import { startSentinels } from '../support/redis-sentinel.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

/** The grace is generous, so that it is not the clock that decides. */
const PATIENT = { STORE_GRACE_MS: '30000', ASK_TIMEOUT_MS: '60000' };

t.test(
  'fail-overs by Sentinel under load: it serves on by itself, and loses nothing that was acknowledged',
  async (t) => {
    const first = await startRedis(t, QUICK);
    const second = await startReplica(t, first);
    const sentinels = await startSentinels(t, first, { downAfterMs: 2_000 });
    const env = { ACTORS, REDIS_SENTINELS: sentinels.list, ...PATIENT };
    const warren = await startWarren(t, { env });
    await ready(warren);
    const load = new CounterLoad({ url: warren.url, clients: 10, keys: 20 });
    await load.more(200);

    await sentinels.failOver();
    await sentinels.untilMaster(second.port);
    await movedTo(second.url, load);
    await untilLinked(first);
    t.match(await redisCommand(first, 'ROLE'), ['slave'], 'the old master lives on as a replica');

    await stopReplicationOf(second);
    await load.more(200);
    await second.kill();
    await sentinels.untilMaster(first.port);
    await movedTo(first.url, load);
    await load.end();
    await load.judge();
    t.ok(isRepaired(warren), 'the new master was told what it had missed');
    t.comment({ acknowledged: load.acknowledged, others: Object.fromEntries(load.others) });

    t.equal(await warren.stop(), 0);
    await readsOffline(t, env);
  },
);

/** Resolves when the load is counted there. */
async function movedTo(url: string, load: CounterLoad): Promise<void> {
  const before = await redisCommand({ url }, 'GET', 'warren:{0}:fence').catch(() => undefined);
  // A Sentinel closes the connections of a server whose role it changes.
  const fence = () => redisCommand({ url }, 'GET', 'warren:{0}:fence').catch(() => before);
  while ((await fence()) === before) await load.more(1);
  await load.more(200);
}

/** What the master confirms from now on is on no replica. */
async function stopReplicationOf(master: { readonly url: string }): Promise<void> {
  await redisCommand(master, 'ACL', 'SETUSER', 'default', '-psync', '-sync');
  await redisCommand(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
}

function isRepaired({ logs }: WarrenProcess): boolean {
  return logs.some(({ msg, origin }) => msg === 'serving' && origin === 'repaired');
}

async function readsOffline(t: Test, env: Record<string, string>): Promise<void> {
  const { code, output } = await runCli(t, ['inspect', 'counter', 'k0'], { ...env, ADMIN_HOST_PORT: '' });
  t.equal(code, 0, output);
  t.match(JSON.parse(output), { actor: 'counter', key: 'k0' });
}

/**
 * A fail-over behind one address, as HAProxy or a cloud's endpoint makes it: the replica is promoted, new connections lead to
 * it, and the old master lives on as its replica. The connection that was kept leads to a server that refuses every write.
 */
import t, { type Test } from 'tap';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { QUICK, startReplica } from '../support/redis-replica.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import { recordShows } from './redis-record.js';
import { refusals, servedOrRefused, underLoad } from './under-load.js';

/** The grace is generous, so that it is not the clock that decides. */
const PATIENT = { STORE_GRACE_MS: '8000', ASK_TIMEOUT_MS: '15000', SHED_AFTER_MS: '15000' };

interface Pair {
  readonly master: RedisProcess;
  readonly replica: RedisProcess;
  readonly proxy: FaultProxy;
}

async function startPair(t: Test): Promise<Pair> {
  const master = await startRedis(t, QUICK);
  const replica = await startReplica(t, master);
  return { master, replica, proxy: await startFaultProxy(t, master.port) };
}

/** What the old master has confirmed since the replica was promoted is lost with the fail-over. */
async function failOver({ master, replica, proxy }: Pair, warren: WarrenProcess): Promise<void> {
  await redisCommand(replica, 'REPLICAOF', 'NO', 'ONE');
  proxy.retarget(replica.port);
  await waitForIndex(warren.url, (await currentIndex(warren.url)) + 20);
  await redisCommand(master, 'REPLICAOF', '127.0.0.1', `${replica.port}`);
}

t.test('gated: the owner leaves a master that has become read-only, and no client notices', async (t) => {
  const pair = await startPair(t);
  const env = { REDIS_HOST_PORT: `127.0.0.1:${pair.proxy.port}`, ...PATIENT };
  const warren = await startWarren(t, { env });
  const report = await underLoad(t, warren, { clients: 20, timeoutMs: 20_000 }, async () => {
    await failOver(pair, warren);
    await warren.waitForLog(({ msg, origin }) => msg === 'serving' && origin === 'repaired', 30_000);
  });
  servedOrRefused(t, report);
  t.equal(refusals(report), 0);
  await recordShows(pair.replica.url, { index: await currentIndex(warren.url) });
});

t.test('async: checkpoints go on at the new master, and a restart begins where they end', async (t) => {
  const pair = await startPair(t);
  const env = { REDIS_HOST_PORT: `127.0.0.1:${pair.proxy.port}`, DURABILITY: 'async', ...PATIENT };
  const warren = await startWarren(t, { env });
  const report = await underLoad(t, warren, { clients: 20, timeoutMs: 20_000 }, async () => {
    await failOver(pair, warren);
    await warren.waitForLog(({ msg, origin }) => msg === 'serving' && origin === 'repaired', 30_000);
  });
  servedOrRefused(t, report);
  const last = await currentIndex(warren.url);
  t.equal(last, report.stats.highestIndex);
  await recordShows(pair.replica.url, { index: last });
  warren.kill();
  await warren.exited;
  const successor = await warren.again();
  t.equal((await get(successor.url, '/next')).headers['sequence-index'], `${last + 1}`);
});

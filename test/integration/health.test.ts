/**
 * `/health` and `/ready`, asked together in every phase of a process. Health: a restart would not help. Ready: what is asked
 * now is taken in and answered soon. So whatever is ready is healthy, and a store that is slow or away is no reason to restart.
 */
import { Agent } from 'node:http';
import t from 'tap';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { pendingRequests } from '../support/metrics.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const PATIENT = {
  ADMIN_HOST_PORT: '127.0.0.1:0',
  FAULTS: 'on',
  SHED_AFTER_MS: '300',
  COMMIT_TIMEOUT_MS: '20000',
  ASK_TIMEOUT_MS: '60000',
};

/** @param agents with a connection for each path, where the server takes no new ones. */
async function probe(warren: WarrenProcess, agents?: { health: Agent; ready: Agent }): Promise<string> {
  const health = await get(warren.url, '/health', agents ? { agent: agents.health } : {});
  const ready = await get(warren.url, '/ready', agents ? { agent: agents.ready } : {});
  return `${health.status} ${ready.status}`;
}

async function becomes(warren: WarrenProcess, expected: string): Promise<void> {
  while ((await probe(warren)) !== expected) await pause();
}

async function fault(warren: WarrenProcess, name: string): Promise<void> {
  await get(warren.adminUrl, `/faults/${name}`, { method: 'POST' });
}

t.test('starting, with a store that does not answer yet: healthy, not ready; then both', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  proxy.delay(2_000);
  const env = { ...PATIENT, REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` };
  const warren = await startWarren(t, { env });
  t.equal(await probe(warren), '200 503');
  proxy.delay(0);
  await becomes(warren, '200 200');
});

t.test(
  'a store that takes seconds for a call: healthy, and not ready while who comes is refused',
  async (t) => {
    const warren = await startWarren(t, { env: PATIENT });
    await becomes(warren, '200 200');
    await fault(warren, 'slow-store?ms=3000');
    const held = get(warren.url, '/next');
    await becomes(warren, '200 503');
    t.match(await get(warren.url, '/next'), { status: 503, body: /mailbox-full/ });
    await fault(warren, 'slow-store?ms=0');
    t.equal((await held).status, 200);
    await becomes(warren, '200 200');
  },
);

t.test('a store that is away: healthy, not ready; then both', async (t) => {
  const warren = await startWarren(t, { env: { ...PATIENT, STORE_GRACE_MS: '100' } });
  await becomes(warren, '200 200');
  await fault(warren, 'drop-store?ms=60000');
  t.match(await get(warren.url, '/next'), { status: 503, body: /store-unavailable/ });
  t.equal(await probe(warren), '200 503');
  await fault(warren, 'drop-store?ms=0');
  await becomes(warren, '200 200');
});

t.test('an owner that is being replaced: both, since what is asked meanwhile is answered', async (t) => {
  const warren = await startWarren(t, { env: PATIENT });
  await becomes(warren, '200 200');
  const resumed = warren.waitForLog((line) => line['origin'] === 'resumed');
  await fault(warren, 'crash-owner');
  const seen = new Set<string>();
  let over = false;
  void resumed.then(() => {
    over = true;
  });
  while (!over) seen.add(await probe(warren));
  await resumed;
  t.strictSame([...seen], ['200 200']);
  t.equal((await get(warren.url, '/next')).status, 200);
});

t.test('a standby: healthy, not ready', async (t) => {
  const redis = await startRedis(t);
  const env = { ...PATIENT, REDIS_URL: redis.url };
  const owner = await startWarren(t, { env });
  await becomes(owner, '200 200');
  const standby = await startWarren(t, { env });
  await standby.waitForLog((line) => line.msg === 'standing by');
  t.equal(await probe(standby), '200 503');
  t.equal(await probe(owner), '200 200');
});

t.test('a process that stops: healthy, not ready, until it is gone', async (t) => {
  const warren = await startWarren(t, { env: PATIENT });
  await becomes(warren, '200 200');
  const kept = () => new Agent({ keepAlive: true, maxSockets: 1 });
  const agents = { health: kept(), ready: kept() };
  t.teardown(() => {
    agents.health.destroy();
    agents.ready.destroy();
  });
  t.equal(await probe(warren, agents), '200 200');
  await fault(warren, 'slow-store?ms=3000');
  const held = get(warren.url, '/next');
  await pendingRequests(warren.adminUrl, 1);
  warren.kill('SIGTERM');
  await warren.waitForLog((line) => line.msg === 'stopping');
  t.equal(await probe(warren, agents), '200 503');
  t.equal((await held).status, 200);
  t.strictSame(await warren.exited, { code: 0, signal: null });
});

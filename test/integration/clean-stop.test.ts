/** SIGTERM and SIGINT: what is pending is answered and committed, then the process ends with 0, whoever holds a connection. */
import t from 'tap';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { pendingRequests } from '../support/metrics.js';
import { startPatiently } from '../support/patient-start.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const NEXT = requestBytes('GET', '/next');
const READY = requestBytes('GET', '/ready');
/** Commits may take long, and what waits is seen on the admin listener. */
const WATCHED = { ADMIN_HOST_PORT: '127.0.0.1:0', COMMIT_TIMEOUT_MS: '30000' };

// Mostly they wait for the store and for deadlines, each on a server of its own.
t.jobs = 3;

async function serving(warren: WarrenProcess): Promise<void> {
  await warren.waitForLog((line) => line.msg === 'serving');
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} ends an idle server with 0, kept-alive connections or not`, async (t) => {
    const warren = await startWarren(t);
    await serving(warren);
    const idle = await RawConnection.open(t, warren.port);
    const used = await RawConnection.open(t, warren.port);
    used.send(NEXT);
    t.match((await used.answer())?.statusLine, '200');
    warren.kill(signal);
    t.strictSame(await warren.exited, { code: 0, signal: null }, 'no connection has to end by itself');
    await Promise.all([idle.ended, used.ended]);
    t.match(warren.logs.slice(-2), [{ msg: 'stopping', signal }, { msg: 'stopped' }]);
  });
}

t.test('100 requests in flight are answered before the end, and none is lost', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const warren = await startPatiently(t, { ...WATCHED, REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` });
  const connections = await Promise.all(
    Array.from({ length: 100 }, () => RawConnection.open(t, warren.port)),
  );
  // A store that does not answer keeps them in flight until the signal has come.
  proxy.hold(true);
  for (const connection of connections) connection.send(NEXT);
  await pendingRequests(warren.adminUrl, 100);
  warren.kill('SIGTERM');
  const stopping = await warren.waitForLog((line) => line.msg === 'stopping');
  t.equal(stopping['open'], 100, 'all of them were in flight');
  proxy.hold(false);
  const answers = await Promise.all(connections.map((connection) => connection.answer()));
  const indexes = answers.map((answer) =>
    Number(answer?.headers.find(([name]) => name === 'Sequence-Index')?.[1]),
  );
  t.strictSame(
    indexes.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n + 1),
  );
  t.strictSame(await warren.exited, { code: 0, signal: null });
  const successor = await warren.again();
  t.equal(await currentIndex(successor.url), 100);
});

t.test('a server that stops refuses new requests on old connections, and takes no new ones', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const warren = await startPatiently(t, { ...WATCHED, REDIS_HOST_PORT: `127.0.0.1:${proxy.port}` });
  const old = await RawConnection.open(t, warren.port);
  const probe = await RawConnection.open(t, warren.port);
  let readiness = '';
  while (!readiness.includes('200')) {
    probe.send(READY);
    readiness = (await probe.answer())?.statusLine ?? '';
  }
  const pending = await RawConnection.open(t, warren.port);
  proxy.hold(true);
  pending.send(NEXT);
  await pendingRequests(warren.adminUrl, 1);
  warren.kill('SIGTERM');
  await warren.waitForLog((line) => line.msg === 'stopping');
  old.send(NEXT);
  const refused = await old.answer();
  t.match(refused?.statusLine, '503');
  t.match(refused?.body, 'shutting-down');
  probe.send(READY);
  t.match(
    (await probe.answer())?.statusLine,
    '503',
    'a load balancer on a kept-alive connection hears of it',
  );
  await t.rejects(get(warren.url, '/next'), { code: 'ECONNREFUSED' });
  proxy.hold(false);
  t.match((await pending.answer())?.body, '{"next": 1}', 'what was asked before is answered');
  t.equal((await warren.exited).code, 0);
});

t.test('what cannot be answered does not keep the process beyond SHUTDOWN_TIMEOUT_MS', async (t) => {
  const redis = await startRedis(t);
  const patience = { ...WATCHED, ASK_TIMEOUT_MS: '600000', COMMIT_TIMEOUT_MS: '300000' };
  const env = { ...patience, REDIS_HOST_PORT: redis.hostPort, SHUTDOWN_TIMEOUT_MS: '1500' };
  const warren = await startPatiently(t, env);
  redis.pause();
  const pending = await RawConnection.open(t, warren.port);
  pending.send(NEXT);
  await pendingRequests(warren.adminUrl, 1);
  warren.kill('SIGTERM');
  t.strictSame(await warren.exited, { code: 1, signal: null });
  // The line of the answer that the client got may come behind it.
  t.match(
    warren.logs.find(({ level }) => level === 50),
    { open: 1 },
  );
});

t.test('a second signal ends the process at once', async (t) => {
  const redis = await startRedis(t);
  const warren = await startPatiently(t, { ...WATCHED, REDIS_HOST_PORT: redis.hostPort });
  redis.pause();
  const pending = await RawConnection.open(t, warren.port);
  pending.send(NEXT);
  await pendingRequests(warren.adminUrl, 1);
  warren.kill('SIGTERM');
  await warren.waitForLog((line) => line.msg === 'stopping');
  warren.kill('SIGINT');
  t.strictSame(await warren.exited, { code: 1, signal: null });
});

for (const asked of [true, false]) {
  t.test(`a stop while the store is away, with ${asked ? 'one' : 'nobody'} waiting, is clean`, async (t) => {
    const redis = await startRedis(t);
    const env = { ...WATCHED, COMMIT_TIMEOUT_MS: '3000', REDIS_HOST_PORT: redis.hostPort };
    const warren = await startPatiently(t, env);
    t.equal((await get(warren.url, '/next')).status, 200);
    redis.pause();
    const answer = asked ? get(warren.url, '/next') : undefined;
    if (asked) await pendingRequests(warren.adminUrl, 1);
    warren.kill('SIGTERM');
    // 504 when its commit was on the way already, as it nearly always is.
    if (answer) t.ok([503, 504].includes((await answer).status));
    t.strictSame(await warren.exited, { code: 0, signal: null });
  });
}

t.test('SIGUSR2 is only logged when FAULTS is off', async (t) => {
  const warren = await startWarren(t);
  await get(warren.url, '/next');
  warren.kill('SIGUSR2');
  await warren.waitForLog((line) => /FAULTS is off/.test(String(line.msg)));
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '2');
  t.notOk(warren.logs.some(({ msg }) => /owner died/.test(String(msg))));
});

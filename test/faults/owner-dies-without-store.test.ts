/** The owner thread dies while its store is away: what was acknowledged must survive in the process alone. */
import t, { type Test } from 'tap';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';
import { recordShows } from './redis-record.js';

const REDIS_BOUNDS = { STORE: 'redis', COMMIT_TIMEOUT_MS: '300', STORE_GRACE_MS: '300', FAULTS: 'on' };

t.test('owners that die before they have reached the store pass on what was acknowledged', async (t) => {
  const redis = await startRedis(t);
  const warren = await startServing(t, redis.url);
  for (let index = 1; index <= 5; index++) t.equal(await nextIndex(warren), index);

  // It comes back empty, so only the process knows where the sequence stands.
  await redis.kill();
  for (let death = 1; death <= 3; death++) {
    await killOwner(warren, death);
    await awayAgain(warren, death);
    t.match(await get(warren.url, '/next'), { status: 503, body: /"store-unavailable"/ });
  }
  await redis.restart();
  await warren.waitForLog((line) => line.msg === 'serving' && line['origin'] === 'repaired');
  t.equal(await nextIndex(warren), 6);
});

t.test('what a dead owner may have committed is answered commit-in-doubt, not as undone', async (t) => {
  const redis = await startRedis(t);
  const link = await startFaultProxy(t, redis.port);
  const warren = await startServing(t, `redis://127.0.0.1:${link.port}`, {
    COMMIT_TIMEOUT_MS: '5000',
    // No renewal is under way when the answers are held: the commit would wait for it.
    LEASE_MS: '60000',
  });
  t.equal(await nextIndex(warren), 1);

  link.hold(true);
  const lost = get(warren.url, '/next');
  await recordShows(redis.url, { index: 2 });
  // The commit stands, its answer is on its way, and the one who waits for it dies.
  await link.refuse(true);
  await killOwner(warren, 1);
  t.match(await lost, { status: 504, body: /"commit-in-doubt"/ });
  t.match(await get(warren.url, '/next'), { status: 503, body: /"store-unavailable"/ });
});

t.test('an owner is not fenced out by the take-over of the dead one before it', async (t) => {
  const redis = await startRedis(t);
  const link = await startFaultProxy(t, redis.port);
  const warren = await startServing(t, `redis://127.0.0.1:${link.port}`, {
    COMMIT_TIMEOUT_MS: '5000',
    STORE_GRACE_MS: '30000',
  });
  t.equal(await nextIndex(warren), 1);

  link.delay(400, 'answers');
  await killOwner(warren, 1);
  const held = get(warren.url, '/next');
  // The second owner's record is there, and it dies before it hears so.
  await recordShows(redis.url, { epoch: 2 });
  await killOwner(warren, 2);
  link.delay(0, 'answers');
  t.match(await held, { status: 200, headers: { 'sequence-index': '2' } });
  t.notOk(
    warren.logs.some((line) => line.msg === 'standing by'),
    'there is no other instance',
  );
});

/** A start on a busy machine may take longer than the grace. */
async function startServing(t: Test, url: string, env: ServerEnv = {}): Promise<WarrenProcess> {
  const warren = await startWarren(t, { env: { ...REDIS_BOUNDS, ...env, REDIS_URL: url } });
  await warren.waitForLog(({ msg }) => msg === 'ready');
  return warren;
}

async function nextIndex(warren: WarrenProcess): Promise<number> {
  return Number((await get(warren.url, '/next')).headers['sequence-index']);
}

async function killOwner(warren: WarrenProcess, death: number): Promise<void> {
  warren.kill('SIGUSR2');
  await nthLog(warren, 'the owner died; a new one takes over', death);
}

/** Each owner reports the absence once. */
function awayAgain(warren: WarrenProcess, times: number): Promise<void> {
  return nthLog(warren, 'the store is away', times);
}

async function nthLog(warren: WarrenProcess, msg: string, count: number): Promise<void> {
  await warren.waitForLog(() => warren.logs.filter((line) => line.msg === msg).length >= count);
}

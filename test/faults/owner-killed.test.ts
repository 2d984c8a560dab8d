/**
 * The owner thread is killed again and again under load: no client notices, the history has no repeat and no gap, and who takes
 * over has been waiting for it.
 */
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { SeededRandom } from '../support/seeded-random.js';
import { waitForIndex } from '../support/sequence-probe.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';
import { underLoad } from './under-load.js';

const CLIENTS = 60;
const KILLS = 10;
/** Numbers from one kill to the next, at most: a new owner dies early or late. */
const LIFE = 200;
const WATCH_OWNERS = fileURLToPath(new URL('./fixtures/watch-owners.js', import.meta.url));
/** Patient, so that the promise is all that is tested, however busy the machine is. */
const PATIENCE: ServerEnv = { ASK_TIMEOUT_MS: '120000', SHED_AFTER_MS: '120000', RESTART_LIMIT: '1000' };

async function killedUnderLoad(t: Test, env: ServerEnv): Promise<void> {
  const warren = await startWarren(t, { env: { FAULTS: 'on', ...PATIENCE, ...env } });
  const random = new SeededRandom(1);
  const load = { clients: CLIENTS, timeoutMs: 150_000, pauseMs: 0 };
  const { history, stats } = await underLoad(t, warren, load, async () => {
    let index = await waitForIndex(warren.url, 0);
    for (let kill = 1; kill <= KILLS; kill++) {
      warren.kill('SIGUSR2');
      await dead(warren, kill);
      await serving(warren, kill + 1);
      index = await waitForIndex(warren.url, index + random.between(0, LIFE));
    }
  });
  const failed = [...history.answers].filter(([answer]) => answer !== '200');
  t.strictSame(failed, [], `no failed request among ${history.operations.length}`);
  t.equal(stats.gaps, 0, 'no gap');
  t.equal(await warren.stop(), 0, 'a clean stop after all');
}

t.test('on LevelDB nobody notices the death of the owner', (t) => killedUnderLoad(t, { STORE: 'level' }));

t.test('on Redis nobody notices the death of the owner', async (t) => {
  const redis = await startRedis(t);
  await killedUnderLoad(t, { REDIS_HOST_PORT: redis.hostPort });
});

t.test('in memory nobody notices the death of the owner', (t) => killedUnderLoad(t, { STORE: 'memory' }));

t.test('without a gate the death of the owner may lose the last numbers, and no request fails', async (t) => {
  const env = { STORE: 'level', DURABILITY: 'async', FAULTS: 'on', ...PATIENCE };
  const warren = await startWarren(t, { env });
  for (let kill = 1; kill <= KILLS; kill++) {
    const answers = Promise.all(Array.from({ length: CLIENTS }, () => get(warren.url, '/next')));
    warren.kill('SIGUSR2');
    t.ok((await answers).every(({ status }) => status === 200));
    await serving(warren, kill + 1);
  }
  t.equal(await warren.stop(), 0);
});

t.test('whoever takes over from a dead owner was waiting for it, with its modules loaded', async (t) => {
  const warren = await startWarren(t, {
    env: { STORE: 'level', FAULTS: 'on' },
    nodeArgs: ['--import', WATCH_OWNERS],
  });
  const ownerThread = () =>
    warren.logs.filter(({ msg }) => msg === 'an owner thread owns the store').at(-1)?.['thread'];
  await serving(warren, 1);
  for (let death = 1; death <= 3; death++) {
    const before = ownerThread();
    const spare = await warren.waitForLog(
      ({ msg, thread }) => msg === 'an owner thread has loaded' && Number(thread) > Number(before),
    );
    warren.kill('SIGUSR2');
    await serving(warren, death + 1);
    t.equal(ownerThread(), spare['thread']);
    t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${death}`);
  }
});

t.test('more deaths than RESTART_LIMIT end the process, with a word', async (t) => {
  const warren = await startWarren(t, {
    env: { FAULTS: 'on', RESTART_LIMIT: '3', RESTART_WINDOW_MS: '600000' },
  });
  for (let death = 1; death <= 4; death++) {
    await serving(warren, death);
    t.ok(warren.running, `${death - 1} deaths are tolerated`);
    warren.kill('SIGUSR2');
    await dead(warren, death);
  }
  t.strictSame(await warren.exited, { code: 1, signal: null });
  t.match(warren.logs.at(-1), {
    level: 60,
    code: 'owner-failing',
    msg: /more than 3 deaths within 600000 ms; last: SIGUSR2/,
  });
});

async function dead(warren: WarrenProcess, deaths: number): Promise<void> {
  await warren.waitForLog(() => warren.logs.filter(({ reason }) => reason === 'SIGUSR2').length >= deaths);
}

async function serving(warren: WarrenProcess, times: number): Promise<void> {
  await warren.waitForLog(() => warren.logs.filter(({ msg }) => msg === 'serving').length >= times);
}

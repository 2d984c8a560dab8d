/**
 * Owners that are ended at any moment of their start: while their native modules are loaded, while they take over. A thread
 * that is ended within a native module can take the process with it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { SeededRandom } from '../support/seeded-random.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

const SPARE_THROWS = fileURLToPath(new URL('./fixtures/spare-throws.js', import.meta.url));
const SIGNALLED = fileURLToPath(new URL('./fixtures/signalled-while-starting.js', import.meta.url));
const ROUNDS = 2;
const DEATHS_IN_A_ROW = 10;
const STARTING_MS = 150;
const EXITS = 3;

t.test('an owner can be ended at any moment of its start, and the process lives on', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'level', FAULTS: 'on', RESTART_LIMIT: '1000' } });
  const count = (msg: string) => warren.logs.filter((line) => line.msg === msg).length;
  const comes = async (msg: string, times: number) => {
    await warren.waitForLog(() => count(msg) >= times);
  };
  const random = new SeededRandom(3);
  await comes('serving', 1);
  let deaths = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    for (let row = 0; row < DEATHS_IN_A_ROW; row++) {
      await delay(random.between(0, STARTING_MS));
      warren.kill('SIGUSR2');
      await comes('the owner died; a new one takes over', ++deaths);
    }
    const answer = await get(warren.url, '/next');
    t.match(answer, { status: 200, headers: { 'sequence-index': String(round) } });
  }
  t.equal(await warren.stop(), 0);
});

t.test(
  'a SIGUSR2 that comes while the service is loaded ends the owner later, or is ignored: never the process',
  async (t) => {
    for (const [FAULTS, heard] of [
      ['on', 'the owner died; a new one takes over'],
      ['off', 'SIGUSR2 is ignored: FAULTS is off'],
    ] as const) {
      const warren = await startWarren(t, { env: { FAULTS }, nodeArgs: ['--import', SIGNALLED] });
      await warren.waitForLog(({ msg }) => msg === heard);
      t.equal((await get(warren.url, '/next')).status, 200);
      t.equal(await warren.stop(), 0);
    }
  },
);

for (const [load, whose] of ['of the first owner', 'of its spare'].entries()) {
  t.test(`a process can exit while the thread ${whose} loads its native module`, async (t) => {
    const fixture = fileURLToPath(new URL('./fixtures/exit-while-loading.js', import.meta.url));
    const env = { STORE: 'level', EXIT_AT_LOAD: String(load + 1) };
    for (let exit = 1; exit <= EXITS; exit++) {
      const warren = await spawnWarren(t, { nodeArgs: [`--import=${fixture}`], env });
      t.strictSame(await warren.exited, { code: 0, signal: null });
    }
  });
}

t.test('the reason of a spare that dies before it is needed is logged, and service goes on', async (t) => {
  const warren = await startWarren(t, { nodeArgs: ['--import', SPARE_THROWS], env: { FAULTS: 'on' } });
  t.match(await warren.waitForLog(({ msg }) => /spare owner thread died/.test(String(msg))), {
    level: 40,
    reason: 'Error: a spare that fails, by the test',
  });
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '1');
  warren.kill('SIGUSR2');
  await warren.waitForLog((line) => line['origin'] === 'resumed');
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '2');
});

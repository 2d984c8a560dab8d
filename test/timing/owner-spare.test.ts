/** A spare thread has loaded its modules before it is needed, so a death costs much less than a start. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const DEATHS = 7;
/** Enough to begin the first and to load one. */
const CALM_MS = 1_200;

t.test('whoever takes over from a dead owner was waiting for it', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'lmdb', FAULTS: 'on' } });
  const served = () => warren.logs.filter(({ msg }) => msg === 'serving');
  const since = (earlier: string, later: string) => Date.parse(later) - Date.parse(earlier);
  const listening = await warren.waitForLog(({ msg }) => msg === 'listening');
  const serving = await warren.waitForLog(({ msg }) => msg === 'serving');
  const startMs = since(`${listening['time']}`, `${serving['time']}`);
  const recoveries: number[] = [];
  for (let death = 1; death <= DEATHS; death++) {
    await delay(CALM_MS);
    warren.kill('SIGUSR2');
    await warren.waitForLog(() => served().length > death);
    const died = warren.logs.findLast(({ reason }) => reason === 'SIGUSR2');
    recoveries.push(since(`${died?.['time']}`, `${served().at(-1)?.['time']}`));
    t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${death}`);
  }
  const medianMs = recoveries.toSorted((a, b) => a - b)[Math.floor(DEATHS / 2)] as number;
  t.ok(
    medianMs < startMs / 2,
    `${medianMs} ms from a death to the next owner, ${startMs} ms from the start to the first`,
  );
});

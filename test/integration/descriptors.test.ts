/** A process with few descriptors and many clients: it bounds its connections below the limit, so all else goes on. */

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { scrape } from '../support/metrics.js';
import { pause } from '../support/pause.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const HEALTH = requestBytes('GET', '/health');
const LIMIT = 200;
const USE_UP = fileURLToPath(new URL('../support/fixtures/use-up-descriptors.js', import.meta.url));

/** The server under the limit that its argument names. */
const UNDER_LIMIT = new URL('../support/fixtures/under-limit.js', import.meta.url);

/** Opens connections until so many have been tried; resolves with those that the server has kept. */
async function flood(t: Test, port: number, count: number): Promise<Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      t.teardown(() => void socket.destroy());
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      return socket;
    }),
  );
  return sockets;
}

async function limited(t: Test, env: Record<string, string> = {}): Promise<WarrenProcess> {
  const warren = await startWarren(t, {
    entry: UNDER_LIMIT,
    args: [String(LIMIT)],
    env: { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on', ...env },
  });
  await get(warren.url, '/next');
  return warren;
}

t.test('more clients than descriptors: the surplus is closed, all others are served', async (t) => {
  const warren = await limited(t);
  const listening = warren.logs.find(({ msg }) => msg === 'listening');
  const bound = Number(listening?.['connectionLimit']);
  t.ok(bound > 0 && bound < LIMIT, `${bound} connections in ${LIMIT} descriptors`);
  const early = await RawConnection.open(t, warren.port);
  await flood(t, warren.port, 2 * LIMIT);
  let metrics = await scrape(warren.adminUrl);
  while (metrics.value('warren_connections_refused_total') < 2 * LIMIT - bound)
    metrics = await scrape(warren.adminUrl);
  t.equal(metrics.value('warren_connections'), bound);
  t.equal(metrics.value('warren_connections_limit'), bound);
  t.ok(
    readdirSync(`/proc/${warren.pid}/fd`).length < LIMIT,
    'descriptors are left, so nothing is tried without end',
  );
  early.send(HEALTH);
  t.match((await early.answer())?.statusLine, '200', 'who was there before is served');
  t.ok((await scrape(warren.adminUrl)).value('process_resident_memory_bytes') > 0);

  // Whatever needs descriptors of its own has them: another owner thread, and its store.
  warren.kill('SIGUSR2');
  await warren.waitForLog((line) => line['origin'] === 'resumed');
  t.strictSame(
    warren.logs.filter(({ level, reason }) => Number(level) >= 40 && reason !== 'SIGUSR2'),
    [],
  );
  t.ok(warren.running);
});

t.test('when the surplus is gone new clients are taken again', async (t) => {
  const warren = await limited(t, { CONNECTION_LIMIT: '5' });
  const sockets = await flood(t, warren.port, 20);
  while (sockets.filter(({ destroyed }) => !destroyed).length > 5) await pause();
  for (const socket of sockets) socket.destroy();
  // One is that of this test, kept alive.
  while ((await scrape(warren.adminUrl)).value('warren_connections') > 1) await pause();
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '2');
});

t.test('more connections than fit are not promised, and it is said', async (t) => {
  const warren = await limited(t, { CONNECTION_LIMIT: '5000' });
  t.match(
    warren.logs.find(({ msg }) => /limit of open files/.test(String(msg))),
    { level: 40, connectionLimit: Number },
  );
  t.ok(Number(warren.logs.find(({ msg }) => msg === 'listening')?.['connectionLimit']) < LIMIT);
});

t.test('a process whose descriptors are all used up lives on, and so do those who observe it', async (t) => {
  const warren = await startWarren(t, {
    entry: UNDER_LIMIT,
    args: [String(LIMIT)],
    nodeArgs: ['--import', USE_UP],
    env: { ADMIN_HOST_PORT: '127.0.0.1:0' },
  });
  await get(warren.url, '/next');
  const page = request(`${warren.adminUrl}/events`).end();
  t.teardown(() => void page.destroy());
  const [events] = (await once(page, 'response')) as [IncomingMessage];
  let samples = 0;
  events.setEncoding('utf8').on('data', (text: string) => {
    samples += text.split('event: sample').length - 1;
  });
  const client = await RawConnection.open(t, warren.port);
  warren.kill('SIGUSR1');
  await warren.waitForLog(({ raw }) => raw === 'descriptors are used up');
  const before = samples;
  while (samples < before + 3) await once(events, 'data');
  client.send(requestBytes('GET', '/next'));
  t.match((await client.answer())?.body, '{"next": 1}', 'who is connected is served');
  warren.kill('SIGUSR1');
  await warren.waitForLog(({ raw }) => raw === 'descriptors are free again');
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '3');
});

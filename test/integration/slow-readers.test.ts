/** Clients that ask for large numbers and stop reading: they cost no memory each, hold nobody up, and are cut in the end. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { scrape } from '../support/metrics.js';
import { pause } from '../support/pause.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const READERS = 100;
/** Five million digits: more than Linux buffers for a connection on loopback that is not read from, about 4 MB. */
const INDEX = 25_000_000;
const MIB = 2 ** 20;
/** A reader that goes on after the standstill is in time, also where timers are late. */
const SEND_TIMEOUT_MS = 17_000;
/** Left alone, uWebSockets.js ends a connection after some ten seconds without a word from the kernel. */
const STANDSTILL_MS = 12_000;

/** Resident memory of the process itself, without what it shares with files. */
function anonymousBytes(warren: WarrenProcess): number {
  const status = readFileSync(`/proc/${warren.pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Also those that the server listens on. */
function socketsOf(warren: WarrenProcess): number {
  const folder = `/proc/${warren.pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

t.test(
  '100 readers that stop reading do not grow memory by 100 numbers, and are cut in the end',
  async (t) => {
    const env = {
      STORE: 'memory',
      INITIAL_INDEX: `${INDEX}`,
      MAX_INDEX: '30000000',
      SEND_TIMEOUT_MS: `${SEND_TIMEOUT_MS}`,
    };
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'ready', 120_000);
    const { body } = await get(warren.url, '/current', { timeoutMs: 120_000 });
    t.ok(body.length > 4 * MIB, `${body.length} bytes each`);
    for (let times = 0; times < 3; times++) await get(warren.url, '/current', { timeoutMs: 120_000 });

    const sockets = socketsOf(warren);
    const readers = await Promise.all(
      Array.from({ length: READERS }, () => RawConnection.open(t, warren.port)),
    );
    const before = anonymousBytes(warren);
    const patient = await RawConnection.open(t, warren.port);
    for (const reader of [...readers, patient]) {
      reader.socket.pause();
      reader.send(requestBytes('GET', '/current'));
    }
    const paused = delay(STANDSTILL_MS);
    await delay(1_000);
    t.equal(
      (await get(warren.url, '/current', { timeoutMs: 120_000 })).body.length,
      body.length,
      'another one is served',
    );
    t.equal((await get(warren.url, '/health')).status, 200);
    const growth = anonymousBytes(warren) - before;
    t.comment(
      `memory grew by ${(growth / MIB).toFixed(1)} MiB; ${READERS} bodies are ${((READERS * body.length) / MIB).toFixed(0)} MiB`,
    );
    t.ok(growth < (READERS * body.length) / 4);

    await paused;
    patient.socket.resume();
    t.equal(
      (await patient.answer())?.body.length,
      body.length,
      'a reader may stand still for as long as it was promised',
    );
    while (socketsOf(warren) > sockets + 1) await delay(100);
    for (const reader of readers) reader.socket.resume();
    await Promise.all(readers.map((reader) => reader.ended));
    const complete = readers.filter((reader) => reader.rest.length > body.length).length;
    t.equal(complete, 0, 'each was cut before it had everything');
    const next = await get(warren.url, '/next', { timeoutMs: 120_000 });
    t.equal(next.headers['sequence-index'], `${INDEX + 1}`);
    t.strictSame(
      warren.logs.filter(({ level }) => Number(level) >= 40),
      [],
    );

    const late = await RawConnection.open(t, warren.port);
    late.socket.pause();
    late.send(requestBytes('GET', '/previous'));
    await delay(500);
    warren.kill('SIGTERM');
    const stopping = await warren.waitForLog((line) => line.msg === 'stopping');
    t.equal(stopping['open'], 1, 'more than the kernel takes was still to be sent');
    late.socket.resume();
    const whole = (await late.answer())?.body;
    t.ok(whole?.slice(13) === body.slice(12), 'a slow reader gets its whole number before the end');
    t.strictSame(await warren.exited, { code: 0, signal: null });
  },
);

t.test('readers that stop at 200,000 digits hold nobody up while the sequence moves on', async (t) => {
  const env = { STORE: 'memory', DURABILITY: 'async', INITIAL_INDEX: '1000000', SEND_TIMEOUT_MS: '60000' };
  const warren = await startWarren(t, { env });
  await warren.waitForLog((line) => line.msg === 'ready', 120_000);
  const readers = await Promise.all(
    Array.from({ length: READERS }, () => RawConnection.open(t, warren.port)),
  );
  for (const reader of readers) {
    reader.socket.pause();
    reader.send(requestBytes('GET', '/next'));
  }
  const before = anonymousBytes(warren);
  let last = 0;
  let moved = 0;
  for (; moved < 1_500; moved++) {
    const answer = await get(warren.url, '/next');
    const index = Number(answer.headers['sequence-index']);
    if (answer.status !== 200 || index <= last) break;
    last = index;
  }
  t.equal(moved, 1_500, 'all are answered, each number larger than the one before');
  const growth = anonymousBytes(warren) - before;
  t.comment(`memory grew by ${(growth / MIB).toFixed(1)} MiB over ${moved} numbers of 200,000 digits`);
  t.ok(growth < 150 * MIB);
});

t.test('readers of large replies of an actor share one bound, and the slowest is cut', async (t) => {
  const ACTORS = fileURLToPath(new URL('../support/fixtures/counter-actor.js', import.meta.url));
  const env = {
    ACTORS,
    STORE: 'memory',
    ADMIN_HOST_PORT: '127.0.0.1:0',
    UNSENT_MEMORY_MB: '2',
    SEND_TIMEOUT_MS: '600000',
  };
  const warren = await startWarren(t, { env });
  const body = JSON.stringify({ bytes: 1_000_000 });
  const large = requestBytes('POST', '/counter/a/large', `Content-Length: ${body.length}`) + body;
  const seen = async (name: string) => (await scrape(warren.adminUrl)).value(`warren_${name}`);
  let turns = 0;
  const readers: RawConnection[] = [];
  while ((await seen('slow_readers_cut_total')) === 0) {
    const reader = await RawConnection.open(t, warren.port);
    reader.socket.pause();
    readers.push(reader);
    // A kernel takes some of them before its reader counts as slow.
    const before = (await seen('slow_readers')) + (await seen('slow_readers_cut_total'));
    while ((await seen('slow_readers')) + (await seen('slow_readers_cut_total')) === before) {
      reader.send(large);
      turns += 1;
      while ((await seen('turns_total')) < turns) await pause();
    }
    t.ok((await seen('unsent_bytes')) <= (await seen('unsent_bytes_limit')));
  }
  t.ok(readers.length <= 4, `${readers.length} readers of about 1 MB each fill 2 MB`);
  const other = await get(warren.url, '/counter/b/large', { method: 'POST', body });
  t.equal(other.body.length, 1_000_002, 'another one is served');
  const last = readers.at(-1) as RawConnection;
  last.socket.resume();
  t.equal((await last.answer())?.body.length, 1_000_002, 'who reads on gets all of it');
});

/**
 * Thousands of requests at full speed: no error, no time-out, nothing but 200, and the count is right. And where the process is
 * killed meanwhile: what was answered is right all the same.
 */
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import t from 'tap';
import { ready } from '../support/actor-server.js';
import { get } from '../support/http-client.js';
import { ask } from '../support/json-client.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';

const REQUESTS = 5_000;
/** Of 209,000 digits each. */
const LARGE_REQUESTS = 500;
/** Seconds, against a test that hangs. */
const TIMEOUT_S = 120;

async function stores(t: Parameters<typeof startRedis>[0]): Promise<ServerEnv[]> {
  // Without its append-only file there is a warning.
  const redis = await startRedis(t, { appendOnly: true });
  return [
    { STORE: 'level' },
    { STORE: 'redis', REDIS_HOST_PORT: redis.hostPort },
    { STORE: 'memory', DURABILITY: 'async' },
  ];
}

t.test('100 connections at full speed get nothing but numbers, on every store', async (t) => {
  for (const env of await stores(t)) {
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'serving');
    const result = await fullSpeed(warren, REQUESTS);
    t.match(result, { errors: 0, timeouts: 0, non2xx: 0, resets: 0 }, `${env['STORE']}`);
    t.equal(result['2xx'], REQUESTS);
    t.equal(await currentIndex(warren.url), REQUESTS, 'as many numbers as answers');
    t.strictSame(
      warren.logs.filter(({ level }) => Number(level) >= 40),
      [],
    );
    t.equal(await warren.stop(), 0);
  }
});

t.test(
  '100 connections at full speed get nothing but numbers, also where a page holds a few of them',
  async (t) => {
    const env = { STORE: 'memory', DURABILITY: 'async', INITIAL_INDEX: '1000000' };
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'ready');
    const load = fullSpeed(warren, LARGE_REQUESTS);
    const readiness: number[] = [];
    const polling = setInterval(() => {
      void get(warren.url, '/ready', { timeoutMs: 60_000 }).then(({ status }) => readiness.push(status));
    }, 50);
    const result = await load;
    clearInterval(polling);
    t.ok(readiness.length > 0, `${readiness.length} looks at /ready`);
    t.strictSame([...new Set(readiness)], [200], 'a busy server is a ready one');
    t.match(result, { errors: 0, timeouts: 0, non2xx: 0, resets: 0 });
    t.equal(result['2xx'], LARGE_REQUESTS);
  },
);

/** Takes the seats of many events at full speed, and keeps which ones it got. */
class TicketLoad {
  static readonly EVENTS = 150;
  static readonly CONNECTIONS = 100;
  readonly sold = Array.from({ length: TicketLoad.EVENTS }, () => new Set<number>());
  readonly complaints: string[] = [];
  count = 0;
  /** Requests whose end nobody has seen, at the most. */
  unknown = 0;

  /** Until so many more seats are sold; `end` comes before the load is over. */
  async sell(url: string, seats: number, end: () => Promise<unknown>): Promise<void> {
    const enough = this.count + seats;
    await new Promise<void>((resolve, reject) => {
      const load = autocannon(
        {
          url,
          connections: TicketLoad.CONNECTIONS,
          duration: TIMEOUT_S,
          timeout: TIMEOUT_S,
          requests: this.sold.map((_, event) => ({
            method: 'POST' as const,
            path: `/tickets/e${event}/take`,
            body: '{"seats":1}',
            onResponse: (status: number, body: string) => this.#answered(event, status, body),
          })),
        },
        (error) => (error ? reject(error) : resolve()),
      );
      load.on('response', () => {
        if (this.count < enough && this.complaints.length === 0) return;
        load.removeAllListeners('response');
        end().then(() => load.stop(), reject);
      });
    });
    this.unknown += TicketLoad.CONNECTIONS;
  }

  #answered(event: number, status: number, body: string): void {
    const { from, code } = JSON.parse(body) as { from?: number; code?: string };
    if (status === 503 || code === 'sold-out') return;
    const sold = this.sold[event] as Set<number>;
    if (status !== 200 || from === undefined || sold.has(from)) {
      this.complaints.push(`e${event}: ${status} ${body}`);
    } else {
      sold.add(from);
      this.count += 1;
    }
  }
}

for (const store of ['level', 'redis'] as const) {
  t.test(
    `${store}: each seat is sold once at full speed, and none that was sold is lost when the process is killed`,
    async (t) => {
      const redis =
        store === 'redis' ? await startRedis(t, { appendOnly: true, fsync: 'always' }) : undefined;
      const tickets = fileURLToPath(new URL('../../docs/examples/tickets/tickets.js', import.meta.url));
      const env = { ACTORS: tickets, ...(redis ? { REDIS_URL: redis.url } : { STORE: 'level' }) };
      let warren = await startWarren(t, { env });
      const load = new TicketLoad();
      for (let life = 0; life < 2; life++) {
        await ready(warren);
        await load.sell(warren.url, 2_000, async () => {
          // Redis in every other life, too: it has synced what it has confirmed.
          if (life % 2 === 1) await redis?.kill();
          warren.kill();
          await warren.exited;
          if (life % 2 === 1) await redis?.restart();
        });
        warren = await warren.again();
      }
      await ready(warren);
      t.strictSame(load.complaints, []);
      let taken = 0;
      for (const [event, sold] of load.sold.entries()) {
        const { body } = await ask(warren.url, `/tickets/e${event}/left`);
        const gone = 100 - (body as { left: number }).left;
        taken += gone;
        if (Math.max(0, ...sold) > gone || sold.size > gone)
          t.fail(`e${event}: ${gone} gone, sold ${[...sold]}`);
      }
      t.ok(load.count >= 4_000, `${load.count} seats were sold`);
      t.ok(taken - load.count <= load.unknown, `${taken} are gone`);
    },
  );
}

function fullSpeed(warren: WarrenProcess, amount: number) {
  return autocannon({ url: `${warren.url}/next`, connections: 100, amount, timeout: TIMEOUT_S });
}

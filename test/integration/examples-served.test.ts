/** The examples of the documents for real: served by the program, asked by the client over HTTP, killed in between, and asked again. */
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type invoiceNumbers from '../../docs/examples/invoice-numbers/invoice-numbers.js';
import type rateLimit from '../../docs/examples/rate-limit/rate-limit.js';
import type tickets from '../../docs/examples/tickets/tickets.js';
import type wallet from '../../docs/examples/wallet/wallet.js';
import { createClient } from '../../src/client/index.js';
import { ready, serveCounters } from '../support/actor-server.js';
import { post } from '../support/json-client.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, spawnWarren, startWarren, type WarrenProcess } from '../support/warren-process.js';

const WARREN = new URL('../../src/cli/warren.js', import.meta.url);
const built = (name: string) =>
  fileURLToPath(new URL(`../../docs/examples/${name}/${name}.js`, import.meta.url));

/** Above every start of a server, however busy the machine is. */
const PATIENCE_MS = 120_000;

async function serveExamples(t: Test, names: readonly string[], env: ServerEnv = {}): Promise<WarrenProcess> {
  const warren = await startWarren(t, { entry: WARREN, args: ['serve', ...names.map(built)], env });
  await ready(warren);
  return warren;
}

/** What was answered is there afterwards. */
async function killedAndBack(warren: WarrenProcess): Promise<WarrenProcess> {
  warren.kill('SIGKILL');
  await warren.exited;
  const successor = await warren.again();
  await ready(successor);
  return successor;
}

for (const store of ['level', 'redis'] as const) {
  t.test(
    `tickets on ${store}: each seat is sold once, also when the server is killed while it sells`,
    async (t) => {
      const redis =
        store === 'redis' ? await startRedis(t, { appendOnly: true, fsync: 'always' }) : undefined;
      const env = redis ? { REDIS_URL: redis.url } : { STORE: 'level' };
      const warren = await serveExamples(t, ['tickets'], env);
      const berlin = createClient<typeof tickets>(warren.url).tickets('berlin');
      const first = await berlin.take({ seats: 2 });
      t.match(first, { ok: true, reply: { from: 1, seats: 2 } });
      const sold: number[] = [];
      let replayed = 0;
      const selling = Array.from({ length: 4 }, async () => {
        for (;;) {
          const answer = await berlin.take({ seats: 1 }, { deadlineMs: PATIENCE_MS });
          if (!answer.ok) return answer.refusal;
          sold.push(answer.reply.from);
          if (answer.replayed) replayed += 1;
          if (sold.length === 20) warren.kill('SIGKILL');
        }
      });
      await warren.exited;
      await warren.again();
      for (const refusal of await Promise.all(selling))
        t.match(refusal, { code: 'sold-out', status: 409, details: { left: 0 } });
      t.comment(`${replayed} answers were given again`);
      t.strictSame(
        sold.toSorted((a, b) => a - b),
        Array.from({ length: 98 }, (_, at) => at + 3),
        'every seat was sold once, and every buyer knows of it',
      );
    },
  );
}

t.test('the other examples, served by one process, go on after a kill', async (t) => {
  const warren = await serveExamples(t, ['invoice-numbers', 'wallet', 'rate-limit']);
  type Served = readonly [typeof invoiceNumbers, typeof wallet, typeof rateLimit];
  const before = createClient<Served>(warren.url);
  t.match(await before['invoice-numbers']('RE-2026').reserve(), { reply: { number: 'RE-2026-00001' } });
  t.match(await before['invoice-numbers']('RE-2026').reserve(), { reply: { number: 'RE-2026-00002' } });
  await before['invoice-numbers']('RE-2026').void({ number: 'RE-2026-00001', reason: 'typed twice' });
  await before.wallet('ada').deposit({ amount: '900719925474099.31' });
  await t.rejects(before.wallet('ada').deposit({ amount: '1.234' }), { code: 'input-invalid', status: 422 });
  let taken = 0;
  let slow = await before['rate-limit']('key').take();
  for (; slow.ok && taken < 10_000; taken++) slow = await before['rate-limit']('key').take();
  t.match(slow, {
    ok: false,
    refusal: { code: 'slow-down', status: 429, details: { retryAfterMs: Number } },
  });

  const after = createClient<Served>((await killedAndBack(warren)).url);
  t.match(await after['invoice-numbers']('RE-2026').voids(), {
    reply: [{ number: 'RE-2026-00001', reason: 'typed twice', at: Number }],
  });
  t.match(await after['invoice-numbers']('RE-2026').reserve(), { reply: { number: 'RE-2026-00003' } });
  t.match(await after.wallet('ada').balance(), { reply: { balance: '900719925474099.31' } });
  t.match(await after.wallet('ada').withdraw({ amount: '900719925474099.32' }), {
    ok: false,
    refusal: { code: 'insufficient', details: { balance: '900719925474099.31' } },
  });
  t.match(await after['rate-limit']('other').take(), { reply: { remaining: 9 } });
});

t.test('a .ts module is served where Node loads it, and told about where it does not', async (t) => {
  const file = fileURLToPath(new URL('../../../docs/examples/tickets/tickets.ts', import.meta.url));
  const warren = await spawnWarren(t, { entry: WARREN, args: ['serve', file] });
  const strips = 'typescript' in process.features && process.features.typescript !== false;
  if (strips) {
    await warren.listening();
    await ready(warren);
    t.match(await post(warren.url, '/tickets/berlin/take', '{"seats":2}'), { body: { from: 1 } });
  } else {
    t.strictSame(await warren.exited, { code: 78, signal: null });
    t.match(
      warren.output,
      /tickets\.ts cannot be loaded: Node .* loads no TypeScript. Use Node 22\.18 or later, or/,
    );
  }
});

interface Counter {
  readonly name: 'counter';
  readonly commands: {
    add: () => { reply: number };
    'add-big': () => { reply: { big: bigint; n: number } };
    refuse: () => { refuse: { code: 'no'; details: { n: number } } };
    throw: () => { reply: undefined };
    echo: (state: never, input: unknown) => { reply: unknown };
  };
  readonly queries: { get: () => number; asked: (state: never, input: { x: string }) => unknown };
}

t.test('the client and the server agree: queries, refusals, problems, keys, bigints', async (t) => {
  const { url } = await serveCounters(t);
  const requests: string[] = [];
  const client = createClient<Counter>(url, {
    fetch: (target, init) => {
      requests.push(init?.method ?? 'GET');
      return fetch(target, init);
    },
  });
  t.strictSame((await client.counter('a').get()).reply, 0);
  t.strictSame((await client.counter('b').get()).reply, 0);
  t.strictSame(requests, ['POST', 'GET', 'GET'], 'it learns from one 405 that this is a query');
  const wrong = await post(url, '/counter/a/get');
  t.strictSame([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD']);

  t.match(await client.counter('a').refuse(), {
    ok: false,
    refusal: { code: 'no', status: 423, details: { n: 0 } },
  });
  const headers = { 'idempotency-key': 'mine' };
  const once = await client.counter('once').add(undefined, { headers });
  t.match(once, { reply: 1, replayed: false, commit: /^0\.1\.\d+$/ });
  t.match(await client.counter('once').add(undefined, { headers }), { reply: 1, replayed: true });
  await t.rejects(client.counter('once').add({ other: 1 } as never, { headers }), {
    name: 'ProblemError',
    code: 'idempotency-key-reused',
    status: 422,
  });
  await t.rejects(client.counter('a').throw(), {
    name: 'ProblemError',
    code: 'behavior-failed',
    status: 500,
  });
  t.strictSame((await client.counter('a')['add-big']()).reply, { big: 10n ** 30n, n: 1 });
  for (const key of [
    '__proto__',
    'constructor',
    'health',
    'next',
    '/',
    'a b',
    '%2e',
    'köln 🎫',
    '...',
    '\u0000',
  ]) {
    t.strictSame(
      (await client.counter(key).asked({ x: key })).reply,
      { input: { x: key }, key },
      JSON.stringify(key),
    );
    t.strictSame((await client.counter(key).add()).reply, 1);
  }
  const own = JSON.parse('{"__proto__":{"a":1},"constructor":null,"":[]}');
  t.strictSame(JSON.stringify((await client.counter('a').echo(own)).reply), JSON.stringify(own));
});

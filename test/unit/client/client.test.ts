/** The client: typed from definitions alone, refusals are values, and what is thrown says what happened. */
import t, { type Test } from 'tap';
import * as v from 'valibot';
import { createClient } from '../../../src/client/client.js';
import type { Answer, AnyRefusal } from '../../../src/client/client-types.js';
import { actor, refuse } from '../../../src/runtime/actor.js';
import { FakeServer } from './fake-server.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const tickets = actor({
  name: 'tickets',
  initial: { next: 1, left: 100 },
  commands: {
    take({ next, left }, { seats }: { seats: number }) {
      if (seats > left) return refuse('sold-out', { left });
      if (seats < 1) return refuse('not-found', null, 404);
      return { state: { next: next + seats, left: left - seats }, reply: { from: next, seats } };
    },
    touch: () => ({}),
    broken: (): { reply: number } => {
      throw new Error('broken');
    },
  },
  queries: {
    left: ({ left }) => ({ left }),
    on: ({ left }, { day, note }: { day: string; note?: string }) => `${left} ${day} ${note}`,
  },
});

const bank = actor({
  name: 'the-bank',
  initial: 2n ** 53n,
  commands: {
    add: {
      input: v.object({
        by: v.pipe(
          v.string(),
          v.transform((text) => BigInt(text)),
        ),
      }),
      run: (n, { by }) => ({ state: n + by, reply: [n + by] }),
    },
  },
});

const actors = [tickets, bank] as const;

async function serving(t: Test, exported: unknown): Promise<{ server: FakeServer; url: string }> {
  const server = new FakeServer(exported);
  t.teardown(() => server.close());
  return { server, url: await server.listen() };
}
t.test('a reply and a refusal are values with the types of the definition', async (t) => {
  const { server, url } = await serving(t, tickets);
  const client = createClient<typeof tickets>(url);
  const taken = await client.tickets('berlin').take({ seats: 2 });
  t.strictSame(taken, { ok: true, reply: { from: 1, seats: 2 }, commit: '0.1.1', replayed: false });
  t.match(server.seen[0], {
    method: 'POST',
    url: '/tickets/berlin/take',
    body: '{"seats":2}',
    headers: { 'content-type': 'application/json' },
  });
  if (taken.ok) same<typeof taken.reply, { readonly from: number; readonly seats: number }>(true);
  const { ok, reply, refusal } = await client.tickets('berlin').take({ seats: 200 });
  t.strictSame([ok, reply], [false, undefined]);
  t.strictSame(refusal, { code: 'sold-out', status: 409, details: { left: 98 } });
  // The code tells the details.
  if (refusal?.code === 'sold-out') same<typeof refusal.details, { readonly left: number }>(true);
});

t.test('a refusal is told from a problem of the same code', async (t) => {
  const { url } = await serving(t, tickets);
  const client = createClient<typeof tickets>(url);
  t.match(await client.tickets('a').take({ seats: 0 }), {
    ok: false,
    refusal: { code: 'not-found', status: 404, details: null },
  });
  const unknown = createClient<{ name: 'nobody'; commands: { take: () => { reply: 1 } } }>(url);
  await t.rejects(unknown.nobody('a').take(), {
    name: 'ProblemError',
    code: 'not-found',
    status: 404,
    requestId: 'r-2',
  });
});

t.test('without a reply and without an input there is no body', async (t) => {
  const { server, url } = await serving(t, tickets);
  const answer = await createClient<typeof tickets>(url).tickets('a').touch();
  t.strictSame(answer, { ok: true, reply: undefined, commit: '0.1.1', replayed: false });
  same<typeof answer, Answer<undefined, never>>(true);
  t.equal(server.seen[0]?.body, '');
  t.equal(server.seen[0]?.headers['content-type'], undefined);
});

t.test('a query is asked for by GET, and its first 405 is the last', async (t) => {
  const { server, url } = await serving(t, tickets);
  const { tickets: of } = createClient<typeof tickets>(url);
  const answer = await of('a').left();
  same<typeof answer, Answer<{ readonly left: number }, never>>(true);
  t.strictSame(answer.reply, { left: 100 });
  t.strictSame((await of('b').left()).reply, { left: 100 });
  t.strictSame(
    server.seen.map(({ method, url }) => `${method} ${url}`),
    ['POST /tickets/a/left', 'GET /tickets/a/left', 'GET /tickets/b/left'],
  );
  t.strictSame((await of('a').on({ day: 'x y&z', note: undefined as never })).reply, '100 x y&z undefined');
  t.equal(server.seen.at(-1)?.url, '/tickets/a/on?day=x+y%26z');
});

t.test('integers of a reply are exact, whatever their size', async (t) => {
  const { url } = await serving(t, [tickets, bank]);
  const client = createClient<typeof actors>(url);
  const answer = await client['the-bank']('b').add({ by: '1' });
  if (answer.ok) same<typeof answer.reply, readonly (number | bigint)[]>(true);
  t.strictSame(answer.reply, [2n ** 53n + 1n]);
  t.strictSame((await client['the-bank']('b').add({ by: '1' })).reply, [2 ** 53 + 2]);
  t.match(await client.tickets('b').take({ seats: 1 }), { ok: true });
});

t.test('every key arrives as it is, and the others throw', async (t) => {
  const { server, url } = await serving(t, tickets);
  const client = createClient<typeof tickets>(`${url}/`);
  for (const key of ['a/b', 'a?b#c', '%2e', 'köln 🎫', '...', ' ', 'x'.repeat(256), '\u0000']) {
    await client.tickets(key).touch();
    t.equal(decodeURIComponent(server.seen.at(-1)?.url.split('/')[2] ?? ''), key);
  }
  for (const key of ['', '.', '..', 'x'.repeat(257), 'é'.repeat(129), '\ud800', 5 as never]) {
    t.throws(() => client.tickets(key), TypeError, JSON.stringify(key));
  }
});

t.test('what is no reply and no refusal is thrown', async (t) => {
  const { server, url } = await serving(t, tickets);
  const { tickets: of } = createClient<typeof tickets>(url);
  await t.rejects(of('a').broken(), {
    name: 'ProblemError',
    code: 'behavior-failed',
    status: 500,
    outcomeUnknown: false,
  });
  const before = server.seen.length;
  server.interrupt = (_, response) => response.writeHead(500).end('{"code":"internal"}');
  await t.rejects(of('a').touch(), { code: 'internal', status: 500, outcomeUnknown: true });
  server.interrupt = (_, response) => response.writeHead(405).end();
  await t.rejects(of('a').touch(), { code: undefined, status: 405 }, 'a 405 that names no GET is an answer');
  await t.rejects(of('a').take({ seats: 'two' } as never), { code: 'behavior-failed' });
  t.equal(server.seen.length, before + 3, 'and none of them is sent again');
});

t.test('headers and a signal go with the request', async (t) => {
  const { server, url } = await serving(t, tickets);
  const client = createClient<typeof tickets>(new URL(url), { headers: { authorization: 'Bearer x' } });
  await client.tickets('a').take({ seats: 1 }, { headers: { 'idempotency-key': 'k1' } });
  t.match(server.seen.at(-1)?.headers, { authorization: 'Bearer x', 'idempotency-key': 'k1' });
  await t.rejects(client.tickets('a').touch(undefined, { signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  await client.tickets('a').left(undefined, { headers: { 'X-Request-Id': 'q', Authorization: 'Bearer y' } });
  t.match(server.seen.at(-1)?.headers, { authorization: 'Bearer y', 'x-request-id': 'q' });
});

t.test('neither the client nor an actor looks like a promise', async (t) => {
  const client = createClient<typeof tickets>('http://localhost');
  t.equal(await client, client);
  const handle = client.tickets('a');
  t.equal(await handle, handle);
});

// What must not compile. Never called.
export function wrong(): void {
  const client = createClient<typeof tickets>('http://localhost');
  // @ts-expect-error no such actor
  client.rooms('a');
  // @ts-expect-error no such message
  client.tickets('a').give();
  // @ts-expect-error the input is missing
  client.tickets('a').take();
  // @ts-expect-error an input of another type
  client.tickets('a').take({ seats: 'two' });
  // @ts-expect-error a key is a string
  client.tickets(5);
  // @ts-expect-error search parameters are strings
  client.tickets('a').on({ day: 5 });
}

same<AnyRefusal['code'], string>(true);

/** What the client sends again, with which key, and until when: whatever befalls its requests, each command takes effect once. */
import t, { type Test } from 'tap';
import { type ClientOptions, createClient } from '../../../src/client/client.js';
import { NoAnswerError } from '../../../src/client/no-answer-error.js';
import { ProblemError } from '../../../src/client/problem-error.js';
import { actor, refuse } from '../../../src/runtime/actor.js';
import { freePort } from '../../support/free-port.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { FakeServer, type Fault } from './fake-server.js';

const counter = actor({
  name: 'counter',
  initial: 0,
  commands: {
    add: (n: number) => ({ state: n + 1, reply: n + 1 }),
    say: (n: number, words: string) => ({ state: n + 1, reply: words }),
    refused: (n: number) => refuse('never', { n }),
  },
  queries: { get: (n: number) => n },
});

/** Longer than any test lasts. */
const PATIENT = 600_000;

const AFTER: readonly Fault[] = ['cut-after', 'cut-in-answer', '502-after', '503-after', '504-after'];
const BEFORE: readonly Fault[] = ['cut-before', 502, 503, 504];
const SILENT: readonly Fault[] = ['silent-before', 'silent-after', 'silent-in-answer'];

async function serving(t: Test, options: ClientOptions = {}) {
  const server = new FakeServer(counter);
  t.teardown(() => server.close());
  const url = await server.listen();
  const client = createClient<typeof counter>(url, { deadlineMs: PATIENT, ...options });
  return { server, url, client };
}

/** These happen to the next requests, and then nothing more. */
function befall(server: FakeServer, ...faults: Fault[]): void {
  server.fault = () => faults.shift() ?? 'none';
}

function keysOf({ seen }: FakeServer): unknown[] {
  return seen.map(({ headers }) => headers['idempotency-key']);
}

/** The last try on a busy machine may have had no time for an answer: then that is what the call ends with, and as much is known of its outcome. */
async function endsWith(
  t: Test,
  call: Promise<unknown>,
  expected: { readonly status: number; readonly outcomeUnknown: boolean },
): Promise<void> {
  const thrown = await call.catch((error: unknown) => error);
  if (thrown instanceof NoAnswerError) {
    t.match(thrown, { message: /nothing has come for \d+ ms/, outcomeUnknown: expected.outcomeUnknown });
  } else {
    t.ok(thrown instanceof ProblemError);
    t.match(thrown, { name: 'ProblemError', ...expected });
  }
}

t.test('every command has a key of 128 random bits, one per call', async (t) => {
  const { server, client } = await serving(t);
  for (let calls = 0; calls < 50; calls++) await client.counter('a').add();
  const keys = keysOf(server);
  t.equal(new Set(keys).size, 50);
  for (const key of keys) t.match(key, /^[0-9a-f]{32}$/);
});

t.test('a key that the caller gives is used, however its name is written', async (t) => {
  const { server, client } = await serving(t);
  const headers = { 'Idempotency-Key': 'mine' };
  t.match(await client.counter('a').say('x', { headers }), { reply: 'x', replayed: false });
  t.match(await client.counter('a').say('x', { headers }), { reply: 'x', replayed: true });
  t.strictSame(keysOf(server), ['mine', 'mine']);
  await t.rejects(client.counter('a').say('y', { headers }), {
    code: 'idempotency-key-reused',
    status: 422,
    outcomeUnknown: false,
  });
  t.equal(server.seen.length, 3, 'and the refusal of its reuse is not repeated');
});

for (const fault of [...BEFORE, ...AFTER, ...SILENT]) {
  t.test(`a command takes effect once, and its caller hears of it: ${fault}`, async (t) => {
    const { server, client } = await serving(t, SILENT.includes(fault) ? { silenceMs: 200 } : {});
    befall(server, fault, fault);
    const happened = !BEFORE.includes(fault) && fault !== 'silent-before';
    t.strictSame(await client.counter('a').add(), {
      ok: true,
      reply: 1,
      commit: '0.1.1',
      replayed: happened,
    });
    t.equal(server.seen.length, 3);
    t.equal(new Set(keysOf(server)).size, 1, 'with one key');
    t.equal(new Set(server.seen.map(({ body }) => body)).size, 1);
    befall(server);
    t.match(await client.counter('a').get(), { reply: 1, commit: undefined, replayed: false });
  });
}

t.test('a refusal is repeated as it was', async (t) => {
  const { server, client } = await serving(t);
  befall(server, 'cut-after');
  t.match(await client.counter('a').refused(), {
    ok: false,
    refusal: { code: 'never', status: 409, details: { n: 0 } },
    replayed: true,
  });
});

t.test('a query is sent again, too, and never with a key', async (t) => {
  const { server, client } = await serving(t);
  await client.counter('a').add();
  befall(server, 'cut-before', 503, 'none', 'cut-in-answer', 504, 'none');
  t.match(await client.counter('a').get(), { reply: 1 });
  t.match(await client.counter('b').get(undefined, { headers: { 'idempotency-key': 'k' } }), { reply: 0 });
  const asked = server.seen.filter(({ method }) => method === 'GET');
  t.ok(asked.length > 2);
  for (const { headers } of asked) t.equal(headers['idempotency-key'], undefined);
});

t.test('whatever befalls them, commands take effect once each', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.comment(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const { server, client } = await serving(t, { silenceMs: 300 });
  const faults = [...BEFORE, ...AFTER, ...SILENT];
  server.fault = () =>
    random.next() < 0.5 ? 'none' : (faults[random.between(0, faults.length - 1)] as Fault);
  const callers = Array.from({ length: 20 }, async (_, caller) => {
    const replies: number[] = [];
    for (let calls = 0; calls < 5; calls++) {
      const { reply } = await client.counter(`k${caller % 4}`).add();
      replies.push(Number(reply));
    }
    return replies;
  });
  const replies = await Promise.all(callers);
  for (let key = 0; key < 4; key++) {
    const got = replies.filter((_, caller) => caller % 4 === key).flat();
    t.strictSame(
      got.toSorted((a, b) => a - b),
      Array.from({ length: 25 }, (_, at) => at + 1),
      'every reply once, and none is missing',
    );
  }
});

t.test(
  'it comes back no earlier than the server asks for, and not at all where that is past the deadline',
  async (t) => {
    const { server, client } = await serving(t);
    server.interrupt = (_, response) => response.writeHead(503, { 'retry-after': '1' }).end();
    const began = performance.now();
    await client.counter('a').add();
    // Timers may fire a little early.
    t.ok(performance.now() - began > 990);
    const later = new Date(Date.now() + 2 * PATIENT).toUTCString();
    for (const retryAfter of [String(PATIENT), later]) {
      server.interrupt = (_, response) =>
        response
          .writeHead(503, { 'retry-after': retryAfter })
          .end('{"code":"standby","title":"Standing by","detail":"wait"}');
      const before = server.seen.length;
      await t.rejects(client.counter('a').add(), {
        code: 'standby',
        status: 503,
        message: 'Standing by: wait',
        outcomeUnknown: false,
      });
      t.equal(server.seen.length, before + 1);
    }
  },
);

t.test(
  'after the deadline the last failure is thrown, and says whether the outcome is unknown',
  async (t) => {
    const cases: [Fault, boolean, RegExp | number][] = [
      [503, false, 503],
      // A proxy promises nothing.
      ['503-after', true, 503],
      [504, true, 504],
      [502, true, 502],
      [
        'cut-before',
        true,
        /no answer within 300 ms, and the command may have taken effect: (fetch failed|nothing has come for)/,
      ],
      ['silent-after', true, /may have taken effect: nothing has come for \d+ ms/],
    ];
    for (const [fault, outcomeUnknown, said] of cases) {
      const { server, client } = await serving(t);
      server.fault = () => fault;
      const error = await client
        .counter('a')
        .add(undefined, { deadlineMs: 300 })
        .catch((thrown: unknown) => thrown);
      // The last try may have had no time left: then nothing is known of it.
      const without = error instanceof NoAnswerError && /nothing has come for/.test(error.message);
      if (without) t.equal(error.outcomeUnknown, true);
      else if (typeof said === 'number')
        t.match(error, { name: 'ProblemError', status: said, outcomeUnknown });
      else t.match(error, { name: 'NoAnswerError', message: said, outcomeUnknown });
      t.ok(error instanceof (typeof said === 'number' && !without ? ProblemError : NoAnswerError));
    }
  },
);

t.test('one unknown attempt is remembered, also when the last was not consumed', async (t) => {
  const { server, client } = await serving(t);
  let requests = 0;
  server.fault = () => (requests++ === 0 ? 504 : 503);
  const call = client.counter('a').add(undefined, { deadlineMs: 500 });
  await endsWith(t, call, { status: 503, outcomeUnknown: true });
});

t.test('the outcome of a query is never unknown', async (t) => {
  const { server, client } = await serving(t);
  let requests = 0;
  server.fault = () => (requests++ < 2 ? 'none' : 504);
  await client.counter('a').get();
  const call = client.counter('a').get(undefined, { deadlineMs: 100 });
  await endsWith(t, call, { status: 504, outcomeUnknown: false });
});

t.test('a server that cannot be reached has done nothing', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const client = createClient<typeof counter>(url, { deadlineMs: 200 });
  await t.rejects(client.counter('a').add(), {
    name: 'NoAnswerError',
    message: /nothing has taken effect.*ECONNREFUSED/,
    outcomeUnknown: false,
  });
});

t.test('a signal ends a call at once: in an attempt, between two of them, before the first', async (t) => {
  const { server, client } = await serving(t);
  const reason = new Error('enough');
  const ending = new AbortController();
  server.interrupt = () => ending.abort(reason);
  await t.rejects(client.counter('a').add(undefined, { signal: ending.signal }), reason);
  const waiting = new AbortController();
  server.interrupt = (_, response) => {
    response.writeHead(503, { 'retry-after': '300' }).end(() => setImmediate(() => waiting.abort(reason)));
  };
  await t.rejects(client.counter('a').add(undefined, { signal: waiting.signal }), reason);
  const before = server.seen.length;
  await t.rejects(client.counter('a').add(undefined, { signal: AbortSignal.abort(reason) }), reason);
  t.equal(server.seen.length, before);
});

t.test('a request that could never be sent is thrown at once', async (t) => {
  await t.rejects(
    createClient<typeof counter>('nowhere', { deadlineMs: PATIENT }).counter('a').add(),
    TypeError,
  );
  const { client } = await serving(t);
  await t.rejects(client.counter('a').add(undefined, { headers: { 'x-y': 'a\nb' } }), TypeError);
  await t.rejects(client.counter('a').add(undefined, { deadlineMs: 0 }), RangeError);
  t.throws(() => createClient('http://localhost', { silenceMs: Number.NaN }), RangeError);
});

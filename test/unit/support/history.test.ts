/** What the recorder writes down for each kind of answer, and whole recordings of a small server, judged. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import type { Scope } from '../../support/child-handle.js';
import { type History, type RecordOptions, recordHistory } from '../../support/history.js';
import { checkHistory } from '../../support/linearizability.js';
import { startWarren } from '../../support/warren-process.js';

const entry = new URL('../../support/fixtures/counter-server.js', import.meta.url);
const onlyNext = { next: 1, current: 0, previous: 0 };

const problem = (status: number, code: string) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }));

const ANSWERS: readonly [name: string, outcome: string, answer: (response: ServerResponse) => unknown][] = [
  ['200', 'ok', (response) => response.setHeader('sequence-index', 7).end('{"next": 13}')],
  ['503 mailbox-full', 'failed', problem(503, 'mailbox-full')],
  ['504 commit-in-doubt', 'unknown', problem(504, 'commit-in-doubt')],
  ['409 sequence-exhausted', 'failed', problem(409, 'sequence-exhausted')],
  ['503', 'unknown', (response) => response.writeHead(503).end()],
  ['502', 'unknown', (response) => response.writeHead(502).end('<html>')],
  ['404', 'unknown', (response) => response.writeHead(404).end('null')],
  ['500 internal', 'unknown', problem(500, 'internal')],
  ['504', 'unknown', (response) => response.writeHead(504).end()],
  ['ECONNRESET', 'unknown', (response) => response.destroy()],
  ['ECONNRESET', 'unknown', (response) => response.write('{"next"', () => response.destroy())],
  ['ETIMEDOUT', 'unknown', () => {}],
];

for (const [name, outcome, answer] of ANSWERS) {
  t.test(`${name} is recorded as ${outcome}`, async (t) => {
    const timeoutMs = name === 'ETIMEDOUT' ? 50 : 10_000;
    const { operations, answers, complaints } = await recordOne(t, answer, timeoutMs);
    t.match(operations, [{ kind: 'next', outcome }]);
    t.equal(operations[0]?.index, outcome === 'ok' ? 7 : undefined);
    t.strictSame([...answers], [[name, 1]]);
    t.strictSame(complaints, []);
  });
}

t.test('a refused connection surely executed nothing', async (t) => {
  const { operations, answers } = await recordHistory({ ...one, url: 'http://127.0.0.1:1' });
  t.match(operations, [{ outcome: 'failed' }]);
  t.strictSame([...answers], [['ECONNREFUSED', 1]]);
});

t.test('a value that does not belong to its index is complained about', async (t) => {
  const wrong = await recordOne(t, (response) => response.setHeader('sequence-index', 7).end('{"next": 14}'));
  t.match(wrong.complaints, [/index 7 with the body \{"next": 14\}/]);
  const unspaced = await recordOne(t, (response) =>
    response.setHeader('sequence-index', 7).end('{"next":13}'),
  );
  t.match(unspaced.complaints, [/index 7/]);
  const bare = await recordOne(t, (response) => response.end('{"next": 13}'));
  t.match(bare, { complaints: [/Sequence-Index undefined/], operations: [{ outcome: 'unknown' }] });
});

t.test('a recording without an end is refused', async (t) => {
  await t.rejects(recordHistory({ url: 'http://127.0.0.1:1', clients: 1, seed: 1 }), RangeError);
});

t.test('a recording of a sound server is accepted, and has the mix of its seed', async (t) => {
  const { url } = await startWarren(t, { entry });
  const record = () => recordHistory({ url, clients: 1, seed: 7, operations: 200 });
  const [one, other] = [await record(), await record()];
  t.strictSame(kinds(one), kinds(other));
  const crowd = await recordHistory({ url, clients: 20, seed: 8, operations: 1_000 });
  const operations = [...one.operations, ...other.operations, ...crowd.operations];
  t.strictSame(crowd.complaints, []);
  t.match(checkHistory(operations), { ok: true, stats: { operations: 1_400, failed: 0, gaps: 0 } });
});

t.test('a server that loses a number is found out', async (t) => {
  const first = await startWarren(t, { entry });
  const before = await recordHistory({ ...one, url: first.url, operations: 10 });
  first.kill();
  await first.exited;
  const second = await first.again({ DATA_DIR: t.testdir() });
  const after = await recordHistory({ ...one, url: second.url });
  const verdict = checkHistory([...before.operations, ...after.operations]);
  t.match(verdict, { ok: false, violation: { kind: 'repeat' } });
});

t.test('a recording goes on over a kill and a restart, until it is told to end', async (t) => {
  const first = await startWarren(t, { entry });
  const ending = new AbortController();
  const recording = recordHistory({ url: first.url, clients: 8, seed: 9, signal: ending.signal });
  await recordHistory({ url: first.url, clients: 1, seed: 1, operations: 50 });
  first.kill();
  await first.exited;
  const second = await first.again();
  const last = await recordHistory({ url: second.url, clients: 1, seed: 2, operations: 50 });
  ending.abort();
  const { operations, complaints } = await recording;
  t.strictSame(complaints, []);
  t.ok(operations.some(({ outcome }) => outcome !== 'ok'));
  t.ok(operations.some(({ outcome, start }) => outcome === 'ok' && start > (last.operations[0]?.start ?? 0)));
});

const one = {
  clients: 1,
  seed: 1,
  operations: 1,
  mix: onlyNext,
  timeoutMs: 200,
} satisfies Partial<RecordOptions>;

async function recordOne(
  scope: Scope,
  answer: (response: ServerResponse) => unknown,
  timeoutMs = 10_000,
): Promise<History> {
  const server = createServer((_, response) => void answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.teardown(async () => {
    server.closeAllConnections();
    server.close();
  });
  return recordHistory({
    ...one,
    timeoutMs,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
}

function kinds(history: History): string[] {
  return history.operations.map(({ kind }) => kind);
}

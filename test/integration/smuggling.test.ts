/**
 * Requests whose end can be read in two ways, with another request behind the one end or before the other. A proxy may have taken that one
 * for a body, so it is never carried out; and the connection ends. However the bytes are cut into segments: each is sent when the server
 * has read the one before.
 */
import t from 'tap';
import { get } from '../support/http-client.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { SeededRandom } from '../support/seeded-random.js';
import { FRAMES, HIDDEN } from '../support/smuggling-frames.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const SEED = Number(process.env['SMUGGLING_SEED'] ?? Date.now() % 2 ** 31);
const AT_A_TIME = 32;
/** Segmentations with more than two segments, of each request. */
const RANDOM_CUTS = 12;

/** What carries them: routes that answer at once, that ask the owner, and that are none. */
const CARRIERS = [
  'GET /health',
  'POST /health',
  'HEAD /ready',
  'GET /current',
  'POST /nowhere',
  'OPTIONS /next',
] as const;

/** Whether the server has read what was sent to it before: it answers in the order in which it reads. */
async function isRead(warren: WarrenProcess): Promise<void> {
  await get(warren.url, '/health');
}

/** Sends the segments one by one. @returns all that came back until the server ended the connection. */
async function send(warren: WarrenProcess, segments: readonly string[]): Promise<string> {
  const connection = await RawConnection.open(t, warren.port);
  for (const segment of segments) {
    if (connection.over) break;
    connection.send(segment);
    await isRead(warren);
  }
  await connection.ended;
  connection.socket.destroy();
  return connection.rest;
}

/** All cuts in two behind the request line, which the library for Node 20 takes in one piece only, and some in more. */
function* segmentations(bytes: string, random: SeededRandom): Generator<string[]> {
  const first = bytes.indexOf('\r\n') + 2;
  yield [bytes];
  for (let at = first; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
  for (let times = 0; times < RANDOM_CUTS; times++) {
    const cuts = Array.from({ length: random.between(2, 6) }, () => random.between(first, bytes.length - 1));
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    yield edges.slice(1).map((edge, n) => bytes.slice(edges[n], edge));
  }
}

t.test(
  `a request hidden in a frame that can be read in two ways is never carried out (seed ${SEED})`,
  { timeout: 300_000 },
  async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const index = async () => (await get(warren.url, '/current')).headers['sequence-index'];
    const random = new SeededRandom(SEED);
    t.equal(await index(), '0');
    let carrier = 0;
    for (const [name, [headers, rest]] of Object.entries(FRAMES)) {
      // Every cut with one carrier, and each carrier in one piece.
      const [cutMethod = '', cutPath = ''] = (CARRIERS[carrier++ % CARRIERS.length] ?? '').split(' ');
      const cases = [...segmentations(requestBytes(cutMethod, cutPath, ...headers) + rest, random)];
      for (const one of CARRIERS) {
        const [method = '', path = ''] = one.split(' ');
        const head = requestBytes(method, path, ...headers);
        cases.push([head + rest], [head, rest]);
      }
      const wrong: string[] = [];
      let next = 0;
      const client = async () => {
        for (let segments = cases[next++]; segments; segments = cases[next++]) {
          const answer = await send(warren, segments);
          const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
          const refused = statuses.length === 0 || (statuses.length === 1 && /^4|505/.test(`${statuses[0]}`));
          const only = headers.includes('Connection: close') && statuses.length <= 1;
          if (!(refused || only)) wrong.push(`${JSON.stringify(segments)}: ${statuses}`);
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, client));
      t.strictSame({ wrong: wrong.slice(0, 3), index: await index() }, { wrong: [], index: '0' }, name);
    }
    t.ok(warren.running);
  },
);

t.test('a refused request is told why, and that its connection ends', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  for (const [code, status, ...headers] of [
    ['bad-request', '400 Bad Request', 'Content-Length: 5', 'Content-Length: 6'],
    ['bad-request', '400 Bad Request', 'Transfer-Encoding: gzip'],
    ['bad-request', '400 Bad Request', 'Host: another'],
    ['length-required', '411 Length Required', 'Transfer-Encoding: Chunked'],
    ['head-too-large', '431 Request Header Fields Too Large', `X: ${'x'.repeat(9_000)}`],
  ] as const) {
    const connection = await RawConnection.open(t, warren.port);
    connection.send(requestBytes('POST', '/next', 'X-Request-Id: mine', ...headers));
    const answer = await connection.answer();
    t.equal(answer?.statusLine, `HTTP/1.1 ${status}`);
    t.match(JSON.parse(answer?.body ?? ''), { code, requestId: 'mine' });
    const sent = new Map(answer?.headers);
    t.equal(sent.get('Content-Type'), 'application/problem+json');
    t.equal(sent.get('X-Request-Id'), 'mine');
    t.equal(sent.get('Connection'), 'close');
    await connection.ended;
    t.equal(connection.rest, '', 'and not a byte more');
  }
  const head = await RawConnection.open(t, warren.port);
  head.send(requestBytes('HEAD', '/current', 'Content-Length: 1'));
  t.match((await head.answer('HEAD'))?.statusLine, '400', 'HEAD has no body, and takes none');
  await head.ended;
  t.equal(head.rest, '', 'its refusal has none either');
  t.equal((await get(warren.url, '/current')).headers['sequence-index'], '0');
});

t.test(
  'a body of one plain length is trusted where it is taken, and ends the connection elsewhere',
  async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const length = `Content-Length: ${HIDDEN.length}`;
    const kept = await RawConnection.open(t, warren.port);
    for (let index = 1; index <= 3; index++) {
      const head = requestBytes('POST', '/next', length);
      for (const part of index < 3 ? [head + HIDDEN] : [head, ...HIDDEN]) kept.send(part);
      const answer = await kept.answer();
      const moved = answer?.headers.find(([name]) => name === 'Sequence-Index');
      t.strictSame(moved, ['Sequence-Index', `${index}`]);
    }
    kept.send(requestBytes('GET', '/current', 'Content-Length: 0'));
    t.match((await kept.answer())?.statusLine, '200', 'no body is no reason to end it');
    t.notOk(kept.over);
    for (const target of ['GET /current', 'GET /health', 'POST /health', 'DELETE /nowhere']) {
      const [method = '', path = ''] = target.split(' ');
      const connection = await RawConnection.open(t, warren.port);
      connection.send(requestBytes(method, path, length) + HIDDEN);
      const answer = await connection.answer();
      t.match(answer?.statusLine, /^HTTP\/1\.1 (200|404|405) /, target);
      t.equal(new Map(answer?.headers).get('Connection'), 'close', target);
      await connection.ended;
    }
    t.equal((await get(warren.url, '/current')).headers['sequence-index'], '3');
  },
);

/**
 * Malformed and unusual requests, one connection each. Every case states what the client gets and how far the sequence
 * moves; after each, a well-behaved client finds the sequence exactly there.
 */
import t from 'tap';
import { get, rawRequest } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const WAIT_MS = 400;
const HOST = 'Host: localhost\r\n';
const MIB = 2 ** 20;

interface Case {
  readonly name: string;
  readonly bytes: string;
  /** Status codes of all answers on the connection, in order. */
  readonly statuses: readonly number[];
  /** How many numbers are handed out; 0 by default. */
  readonly moves?: number;
}

/** The library refuses it: with 400, with 505, or without an answer. Its binaries for the versions of Node differ there. */
const REFUSED: readonly number[] = [];
const REFUSALS = [[], [400], [505]].map(String);

const line = (first: string, ...headers: string[]) =>
  `${[first, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`;
const post = (body: string, ...headers: string[]) => line('POST /next HTTP/1.1', ...headers) + body;

const GARBAGE: Case[] = [
  { name: 'a word', bytes: 'garbage\r\n\r\n', statuses: REFUSED },
  { name: 'zeros', bytes: '\0'.repeat(1_000), statuses: REFUSED },
  {
    name: 'a TLS greeting',
    bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    statuses: REFUSED,
  },
  { name: 'an HTTP/2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', statuses: REFUSED },
  { name: 'HTTP/0.9', bytes: 'GET /next\r\n\r\n', statuses: REFUSED },
  { name: 'HTTP/1.0', bytes: 'GET /next HTTP/1.0\r\n\r\n', statuses: REFUSED },
  { name: 'HTTP/3.7', bytes: line('GET /next HTTP/3.7'), statuses: REFUSED },
  { name: 'bare line feeds', bytes: 'GET /next HTTP/1.1\nHost: a\n\n', statuses: REFUSED },
  { name: 'no Host', bytes: 'GET /next HTTP/1.1\r\n\r\n', statuses: REFUSED },
  { name: 'a space before the colon', bytes: line('GET /next HTTP/1.1', 'X : y'), statuses: REFUSED },
  { name: 'a NUL in the path', bytes: line('GET /\0next HTTP/1.1'), statuses: REFUSED },
  { name: 'an absolute URI', bytes: line('GET http://localhost/next HTTP/1.1'), statuses: REFUSED },
  { name: 'CONNECT', bytes: line('CONNECT localhost:1 HTTP/1.1'), statuses: REFUSED },
  { name: 'half a request', bytes: 'GET /next HTTP/1.1\r\nHos', statuses: REFUSED },
];

const PATHS: Case[] = [
  '/ne%78t',
  '//next',
  '/next/',
  '/../next',
  '/./next',
  '/next%00',
  '/next#x',
  '/next;x',
  '/%2e/next',
].map((path) => ({ name: `the path ${path}`, bytes: line(`GET ${path} HTTP/1.1`), statuses: [404] }));

/** How such a one is refused depends on how its bytes are cut on the way; that it is refused does not. */
const HUGE: readonly (readonly [name: string, bytes: string])[] = [
  ['a path of 1 MiB', line(`GET /next${'x'.repeat(MIB)} HTTP/1.1`)],
  ['a query of 1 MiB', line(`GET /next?${'x'.repeat(MIB)} HTTP/1.1`)],
  ['a header of 1 MiB', line('GET /next HTTP/1.1', `X: ${'x'.repeat(MIB)}`)],
  ['10,000 headers', line('GET /next HTTP/1.1', ...new Array(10_000).fill('X: y'))],
  ['a method of 1 MiB', line(`${'GET'.repeat(MIB / 3)} /next HTTP/1.1`)],
  ['a line without an end', 'x'.repeat(4 * MIB)],
  ['headers without an end', `GET /next HTTP/1.1\r\n${'X: y\r\n'.repeat(200_000)}`],
];

const BODIES: Case[] = [
  {
    name: 'a body on GET',
    bytes: `${line('GET /next HTTP/1.1', 'Content-Length: 5')}hello`,
    statuses: [200],
    moves: 1,
  },
  {
    name: 'a body of 1 MiB',
    bytes: post('x'.repeat(MIB), `Content-Length: ${MIB}`),
    statuses: [200],
    moves: 1,
  },
  { name: 'a body that never comes', bytes: post('', 'Content-Length: 99999'), statuses: [200], moves: 1 },
  {
    name: 'an Expect header',
    bytes: post('hi', 'Content-Length: 2', 'Expect: 100-continue'),
    statuses: [100, 200],
    moves: 1,
  },
];

/** Framing that two servers in a row could read differently; more of it, in every cut: `smuggling.test.ts`. */
const FRAMING: Case[] = [
  ...['-5', '+5', '5x', '5, 5', '5, 6', '0x5', '5 5', '99999999999999999999'].map((length) => ({
    name: `Content-Length: ${length}`,
    bytes: post('hello', `Content-Length: ${length}`),
    statuses: [400],
  })),
  {
    name: 'length and chunks',
    bytes: post('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    statuses: [400],
  },
  {
    name: 'chunks and length',
    bytes: post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Content-Length: 5'),
    statuses: [400],
  },
  { name: 'a chunk size of ZZ', bytes: post('ZZ\r\n', 'Transfer-Encoding: chunked'), statuses: [400] },
  {
    name: 'an endless chunk size',
    bytes: post(`${'F'.repeat(40)}\r\n`, 'Transfer-Encoding: chunked'),
    statuses: [400],
  },
  {
    name: 'two equal lengths',
    bytes: post('hello', 'Content-Length: 5', 'Content-Length: 5'),
    statuses: [400],
  },
  { name: 'no method', bytes: line(' /next HTTP/1.1'), statuses: [400] },
  { name: 'a method that is no token', bytes: line('G}T /next HTTP/1.1'), statuses: [400] },
  { name: 'two hosts', bytes: line('GET /next HTTP/1.1', 'Host: b'), statuses: [400] },
  { name: 'an empty length', bytes: post('', 'Content-Length:'), statuses: [400] },
  { name: 'an empty coding', bytes: post('', 'Transfer-Encoding:'), statuses: [400] },
  {
    name: 'chunks',
    bytes: post('5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
    statuses: [411],
  },
  {
    name: 'an unknown encoding',
    bytes: post('5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: xchunked'),
    statuses: [400],
  },
  { name: 'a header over two lines', bytes: line('GET /next HTTP/1.1', 'X: a', ' b'), statuses: REFUSED },
  {
    name: 'a bare line feed in a header',
    bytes: line('GET /next HTTP/1.1', 'X: a\nY: b'),
    statuses: REFUSED,
  },
  {
    name: 'a bare carriage return in a header',
    bytes: line('GET /next HTTP/1.1', 'X: a\rb'),
    statuses: REFUSED,
  },
];

t.test(
  'a malformed request gets a plain refusal or none, and moves nothing unless it is answered 200',
  async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const probe = async () => (await get(warren.url, '/current')).headers['sequence-index'];
    let index = 0;
    t.equal(await probe(), '0');
    for (const { name, bytes, statuses, moves = 0 } of [...GARBAGE, ...PATHS, ...BODIES, ...FRAMING]) {
      const answer = (await rawRequest(warren.port, Buffer.from(bytes, 'latin1'), WAIT_MS)).toString(
        'latin1',
      );
      const seen = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]));
      index += moves;
      if (statuses === REFUSED) t.ok(REFUSALS.includes(String(seen)), `${name}: ${seen}`);
      else t.strictSame(seen, statuses, name);
      t.equal(await probe(), `${index}`, `${name}: the sequence`);
    }
    t.ok(warren.running);
    t.equal(
      warren.logs.filter(({ level }) => Number(level) >= 40).length,
      0,
      'nothing of it is worth a log line',
    );
  },
);

t.test('giant request lines and headers are refused, and move nothing', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  for (const [name, bytes] of HUGE) {
    const answer = (await rawRequest(warren.port, Buffer.from(bytes, 'latin1'), WAIT_MS)).toString('latin1');
    t.match(answer, /^(HTTP\/1\.1 [45]\d\d (?![\s\S]*HTTP\/1\.1)|$)/, name);
    t.equal((await get(warren.url, '/current')).headers['sequence-index'], '0', `${name}: nothing moved`);
  }
  t.ok(warren.running);
});

t.test('bytes that follow a request with a broken frame are never taken for a request', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  t.equal((await get(warren.url, '/current')).status, 200);
  const smuggled = `GET /next HTTP/1.1\r\n${HOST}\r\n`;
  for (const [name, head] of [
    ['a wrong length', 'Content-Length: 5, 6'],
    ['length and chunks', 'Content-Length: 0\r\nTransfer-Encoding: chunked'],
    ['a negative length', 'Content-Length: -1'],
  ] as const) {
    const answer = await rawRequest(warren.port, post(smuggled, head), WAIT_MS);
    t.match(answer.toString('latin1'), /^HTTP\/1\.1 400 (?![\s\S]*HTTP\/1\.1)/, name);
  }
  const hidden = post(smuggled, `Content-Length: ${smuggled.length}`);
  t.match(
    (await rawRequest(warren.port, hidden, WAIT_MS)).toString('latin1'),
    /^HTTP\/1\.1 200 (?![\s\S]*HTTP\/1\.1)/,
  );
  t.equal(
    (await get(warren.url, '/current')).headers['sequence-index'],
    '1',
    'only the POST itself moved it',
  );
});

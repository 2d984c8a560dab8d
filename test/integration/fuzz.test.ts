/**
 * Raw bytes against the real server: requests bent at random, from a seed that the test prints (`FUZZ_SEED=n` repeats
 * it, `FUZZ_INPUTS=n` makes it longer). The sequence is the oracle: nothing but a complete request for a number may
 * move it, and each number goes to one client. What a complete request is, a reading of the bytes of the test's own says, so that one
 * hidden in a body or behind a doubtful one counts for nothing.
 */
import { connect } from 'node:net';
import t from 'tap';
import { FibonacciOracle } from '../support/fibonacci-oracle.js';
import { get } from '../support/http-client.js';
import { SeededRandom } from '../support/seeded-random.js';
import { numbersAskedFor } from '../support/trusted-requests.js';
import { startWarren } from '../support/warren-process.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 20_000);
const AT_A_TIME = 64;
/**
 * An input that is no whole request gets no answer; its connection is left after so long, or after some times what an answer
 * takes on this machine just now.
 */
const PATIENCE_MS = 15;
const ANSWERS_OF_PATIENCE = 4;
const PROBE_EVERY = 500;

const HIDDEN = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (headers: string, rest: string) => `POST /health HTTP/1.1\r\nHost: a\r\n${headers}\r\n${rest}`;
const TEMPLATES = [
  'GET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /next HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /current?as=string HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  'HEAD /previous HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n',
  'OPTIONS /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
  'GET /next HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nConnection: Upgrade\r\n\r\n',
  post(`Content-Length: ${HIDDEN.length}\r\n`, HIDDEN),
  post(`Content-Length: 5\r\nContent-Length: ${5 + HIDDEN.length}\r\n`, `hello${HIDDEN}`),
  post(`Content-Length:\r\nContent-Length: ${HIDDEN.length}\r\n`, HIDDEN),
  post('Transfer-Encoding: chunked\r\n', `5\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  post('Transfer-Encoding: chunked\r\n', `0\r\n..${HIDDEN}`),
];
const TOKENS = [
  '\r\n',
  '\n',
  '\0',
  ' ',
  ':',
  '%00',
  '../',
  '?',
  '#',
  '\xff\xfe',
  'Content-Length: -1\r\n',
  'Content-Length:\r\n',
  'Content-Length: 5\r\n',
  `Content-Length: ${HIDDEN.length}\r\n`,
  'Transfer-Encoding:\r\n',
  'Connection: close\r\n',
  HIDDEN,
  '0\r\n\r\n',
]
  .concat([
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'HTTP/1.1',
    'Host: b\r\n',
  ])
  .concat(['FFFFFFFFFFFFFFFF\r\n', '\x16\x03\x01', 'x'.repeat(5_000), 'X: y\r\n'.repeat(150)]);

/** A template, bent up to four times. */
function bend(random: SeededRandom): string {
  const pick = <T>(list: readonly T[]) => list[random.between(0, list.length - 1)] as T;
  let bytes = pick(TEMPLATES);
  for (let times = random.between(0, 4); times > 0; times--) {
    const at = random.between(0, bytes.length);
    const to = Math.min(bytes.length, at + random.between(1, 12));
    const kind = random.weighted({
      change: 3,
      drop: 2,
      repeat: 2,
      token: 4,
      truncate: 1,
      append: 2,
      noise: 1,
    });
    if (kind === 'change')
      bytes = bytes.slice(0, at) + String.fromCharCode(random.between(0, 255)) + bytes.slice(at + 1);
    else if (kind === 'drop') bytes = bytes.slice(0, at) + bytes.slice(to);
    else if (kind === 'repeat') bytes = bytes.slice(0, to) + bytes.slice(at);
    else if (kind === 'token') bytes = bytes.slice(0, at) + pick(TOKENS) + bytes.slice(at);
    else if (kind === 'truncate') bytes = bytes.slice(0, at);
    else if (kind === 'append') bytes += pick(TEMPLATES);
    else for (let n = random.between(1, 40); n > 0; n--) bytes += String.fromCharCode(random.between(0, 255));
  }
  return bytes;
}

/** Sends the bytes, in one piece or two, and reads until an answer, the end, or the end of patience. */
function send(port: number, bytes: Buffer, cutAt: number, patienceMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let connected = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      connected = true;
      socket.write(bytes.subarray(0, cutAt));
      if (cutAt < bytes.length) setImmediate(() => socket.writable && socket.write(bytes.subarray(cutAt)));
      socket.setTimeout(patienceMs, () => socket.resetAndDestroy());
    });
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', (error) => connected || reject(error));
    socket.on('close', () => resolve(answer));
  });
}

t.test(
  `${INPUTS} bent requests move nothing but what they ask for (seed ${SEED})`,
  { timeout: 600_000 },
  async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const oracle = new FibonacciOracle();
    const random = new SeededRandom(SEED);
    const taken = new Map<number, string>();
    const wrong: string[] = [];
    let couldMove = 0;

    const take = (answer: string, input: string, allowed: number) => {
      let received = 0;
      for (const [, index = '', body = ''] of answer.matchAll(
        /Sequence-Index: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n\{"next": (\d+)\}/g,
      )) {
        if (taken.has(Number(index))) wrong.push(`${index} again, for ${JSON.stringify(input)}`);
        if (body !== oracle.digits(Number(index))) wrong.push(`F(${index}) = ${body}`);
        taken.set(Number(index), input);
        received += 1;
      }
      if (received > allowed) wrong.push(`${received} numbers for ${JSON.stringify(input)}`);
      if (/^HTTP\/1\.1 5(?!05)/m.test(answer))
        wrong.push(`${answer.slice(0, 80)} for ${JSON.stringify(input)}`);
    };
    let begun = 0;
    let patienceMs = PATIENCE_MS;
    const client = async () => {
      while (begun < INPUTS) {
        begun += 1;
        const input = bend(random);
        const cutAt = random.next() < 0.3 ? random.between(0, input.length) : input.length;
        const allowed = numbersAskedFor(input);
        couldMove += allowed;
        take(await send(warren.port, Buffer.from(input, 'latin1'), cutAt, patienceMs), input, allowed);
        if (begun % PROBE_EVERY !== 0) continue;
        const since = performance.now();
        const { headers, body } = await get(warren.url, '/next');
        patienceMs = Math.max(PATIENCE_MS, ANSWERS_OF_PATIENCE * (performance.now() - since));
        couldMove += 1;
        take(`Sequence-Index: ${headers['sequence-index']}\r\n\r\n${body}`, 'GET /next HTTP/1.1\r\n', 1);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, client));
    t.comment(`${INPUTS} inputs, ${taken.size} numbers received`);

    t.strictSame(wrong.slice(0, 10), []);
    t.ok(warren.running);
    const current = await get(warren.url, '/current');
    const index = Number(current.headers['sequence-index']);
    t.equal(current.body, `{"current": ${oracle.digits(index)}}`);
    t.ok(taken.size > INPUTS / 20, 'enough of them were still requests for a number');
    t.ok(Math.max(...taken.keys()) <= index);
    t.ok(index <= couldMove, `${index} numbers for ${couldMove} requests`);
    const next = await get(warren.url, '/next');
    t.equal(next.body, `{"next": ${oracle.digits(index + 1)}}`);
  },
);

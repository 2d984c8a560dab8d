/** How large the head of a request may be: the same limit however its bytes arrive, and an answer that says so. */
import t from 'tap';
import { HEAD_LIMIT_BYTES, HEADER_LIMIT } from '../../src/http/request-head.js';
import { get } from '../support/http-client.js';
import { RawConnection } from '../support/raw-connection.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const FIRST = 'GET /health HTTP/1.1\r\nHost: a\r\n';
const TOO_LARGE = 'HTTP/1.1 431 Request Header Fields Too Large';
const OK = 'HTTP/1.1 200 OK';

/** A head of so many bytes, by the count that the documentation gives. */
const ofBytes = (bytes: number) => `${FIRST}X: ${'x'.repeat(bytes - FIRST.length - 7)}\r\n\r\n`;
const ofHeaders = (count: number) => `${FIRST}${'X: y\r\n'.repeat(count - 1)}\r\n`;

/** Sends the head in pieces, each when the server has read the one before. @returns the first answer's status line. */
async function statusOf(warren: WarrenProcess, head: string, pieces: number): Promise<string | undefined> {
  const connection = await RawConnection.open(t, warren.port);
  const first = FIRST.indexOf('\r\n') + 2;
  const size = Math.ceil((head.length - first) / pieces);
  for (let piece = 0; piece < pieces && !connection.over; piece++) {
    const from = piece === 0 ? 0 : first + piece * size;
    connection.send(head.slice(from, first + (piece + 1) * size));
    await get(warren.url, '/health');
  }
  const answer = (await connection.answer())?.statusLine;
  if (answer !== OK) await connection.ended;
  connection.socket.destroy();
  return answer;
}

t.test('a head is taken or answered 431 by its size alone, however its bytes arrive', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  for (const [name, head, expected] of [
    ['small', ofBytes(1_000), OK],
    ['at the limit of bytes', ofBytes(HEAD_LIMIT_BYTES - 16), OK],
    ['above the limit of bytes', ofBytes(HEAD_LIMIT_BYTES + 16), TOO_LARGE],
    ['above what the library keeps', ofBytes(2 * HEAD_LIMIT_BYTES), TOO_LARGE],
    ['at the limit of headers', ofHeaders(HEADER_LIMIT), OK],
    ['above the limit of headers', ofHeaders(HEADER_LIMIT + 1), TOO_LARGE],
    ['as many headers as the library takes', ofHeaders(98), TOO_LARGE],
  ] as const) {
    for (const pieces of [1, 2, 3, 17]) {
      t.equal(await statusOf(warren, head, pieces), expected, `${name}, in ${pieces}`);
    }
  }
  const path = `GET /${'x'.repeat(HEAD_LIMIT_BYTES)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  t.equal(await statusOf(warren, path, 1), TOO_LARGE, 'a long path counts');
});

t.test('more headers than the library takes end the connection, with 431 or without a word', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  const answers = await Promise.all(
    [99, 100, 500].map(async (count) => {
      const connection = await RawConnection.open(t, warren.port);
      connection.send(ofHeaders(count).replace('/health', '/next'));
      await connection.ended;
      return connection.rest;
    }),
  );
  for (const answer of answers) t.match(answer, /^(HTTP\/1\.1 431 (?![\s\S]*HTTP\/1\.1)|$)/);
  t.equal((await get(warren.url, '/current')).headers['sequence-index'], '0');
});

/**
 * Connections that misbehave as a whole: cut at any stage, pipelining, half closed, slow. A number may be lost to a
 * client that leaves before its answer, and to nobody else; order and count stay right.
 */
import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { FibonacciOracle } from '../support/fibonacci-oracle.js';
import { get } from '../support/http-client.js';
import { rssMb } from '../support/memory.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';

const NEXT = requestBytes('GET', '/next');
/** The test and the server need as many open files each; Node raises its soft limit to the hard one of `ulimit -Hn`. */
const IDLE = 10_000;
/** Measured: about 10 MB. */
const MAX_GROWTH_MB = 64;
const oracle = new FibonacciOracle();

async function currentIndex(warren: WarrenProcess): Promise<number> {
  return Number((await get(warren.url, '/current')).headers['sequence-index']);
}

async function nextIsRight(warren: WarrenProcess, index: number): Promise<boolean> {
  // A connection of its own: one that was kept alive may be closed by the server in this very moment.
  const answer = await get(warren.url, '/next', { headers: { connection: 'close' }, agent: new Agent() });
  return (
    answer.headers['sequence-index'] === `${index}` && answer.body === `{"next": ${oracle.digits(index)}}`
  );
}

t.test('a connection cut at any stage costs at most the number it had asked for', async (t) => {
  const warren = await startWarren(t);
  const post = requestBytes('POST', '/next', 'Content-Length: 100000');
  let asked = 0;
  for (const bytes of [NEXT, post]) {
    for (let length = 0; length <= bytes.length; length += bytes.length - length > 3 ? 3 : 1) {
      const connection = await RawConnection.open(t, warren.port);
      if (length > 0) connection.send(bytes.slice(0, length));
      if (length === bytes.length) asked += 1;
      await new Promise(setImmediate);
      connection.socket.resetAndDestroy();
    }
  }
  const index = await currentIndex(warren);
  t.ok(index <= asked, `${index} numbers for ${asked} complete requests`);
  t.ok(await nextIsRight(warren, index + 1));
});

t.test('300 clients that leave with their request unanswered do not disturb 10 that stay', async (t) => {
  const warren = await startWarren(t);
  const staying = await Promise.all(Array.from({ length: 10 }, () => RawConnection.open(t, warren.port)));
  const received: number[] = [];
  let leaving = true;
  const stay = async (connection: RawConnection) => {
    while (leaving) {
      connection.send(NEXT);
      const answer = await connection.answer();
      received.push(Number(answer?.headers.find(([name]) => name === 'Sequence-Index')?.[1]));
    }
  };
  const served = Promise.all(staying.map(stay));
  for (let left = 0; left < 300; left++) {
    const connection = await RawConnection.open(t, warren.port);
    connection.send(NEXT);
    if (left % 3 === 0) connection.socket.resetAndDestroy();
    else if (left % 3 === 1) connection.socket.destroySoon();
    else setImmediate(() => connection.socket.destroy());
  }
  leaving = false;
  await served;
  const index = await currentIndex(warren);
  t.equal(new Set(received).size, received.length, 'nobody got a number twice');
  t.ok(received.every((one) => one >= 1 && one <= index));
  t.ok(index <= received.length + 300, 'each that left took one number at the most');
  t.ok(await nextIsRight(warren, index + 1));
});

t.test('a client that pipelines /next is cut off, and order and count stay right', async (t) => {
  const warren = await startWarren(t);
  for (const depth of [2, 3, 50]) {
    const before = await currentIndex(warren);
    const connection = await RawConnection.open(t, warren.port);
    connection.send(NEXT.repeat(depth));
    await connection.ended;
    t.equal(connection.rest, '', 'not a byte of an answer');
    t.equal(await currentIndex(warren), before, 'requests that were never heard out take no number');
  }
  const before = await currentIndex(warren);
  const connection = await RawConnection.open(t, warren.port);
  connection.send(NEXT);
  t.match((await connection.answer())?.body, oracle.digits(before + 1), 'one at a time is served');
  connection.send(`${requestBytes('GET', '/health')}${requestBytes('GET', '/nowhere')}${NEXT}`);
  t.match((await connection.answer())?.statusLine, '200', 'what the front answers at once may be pipelined');
  t.match((await connection.answer())?.statusLine, '404');
  t.match((await connection.answer())?.body, oracle.digits(before + 2));
  t.ok(await nextIsRight(warren, before + 3));
});

t.test('answers that are asked for by the thousand and never read are not heaped up', async (t) => {
  const warren = await startWarren(t);
  const before = rssMb(warren.pid);
  const document = requestBytes('GET', '/openapi.json');
  const deaf = await Promise.all(Array.from({ length: 40 }, () => RawConnection.open(t, warren.port)));
  for (const connection of deaf) {
    connection.socket.pause();
    connection.send(document.repeat(1_000));
  }
  t.match(await get(warren.url, '/openapi.json'), { status: 200, body: /^\{"openapi"/ });
  t.ok(await nextIsRight(warren, 1));
  await delay(500);
  const grown = rssMb(warren.pid) - before;
  // Some 20 KB each, 40,000 of them.
  t.ok(grown < 100, `memory grew by ${grown.toFixed(1)} MiB`);
});

t.test(
  'a client that does not read its answers cannot have a request carried out behind a refused one',
  async (t) => {
    const warren = await startWarren(t);
    const agent = new Agent();
    for (const refused of [
      requestBytes('POST', '/health', 'Content-Length:', `Content-Length: ${NEXT.length}`),
      `${requestBytes('POST', '/next', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ]) {
      const deaf = await RawConnection.open(t, warren.port);
      deaf.socket.pause();
      // More than the buffers of both sockets hold: the refusal's own bytes have to wait.
      deaf.send(requestBytes('GET', '/health').repeat(60_000));
      deaf.send(refused);
      for (let times = 0; times < 20; times++) {
        await get(warren.url, '/health', { agent });
        if (deaf.socket.writable) deaf.send(NEXT);
      }
      deaf.socket.resume();
      await deaf.ended;
      t.notMatch(deaf.rest, 'Sequence-Index');
      t.equal(await currentIndex(warren), 0);
    }
    t.ok(await nextIsRight(warren, 1));
  },
);

t.test('a connection whose client has closed its side ends, and others go on', async (t) => {
  const warren = await startWarren(t);
  const silent = await RawConnection.open(t, warren.port);
  silent.socket.end();
  await silent.ended;
  const asking = await RawConnection.open(t, warren.port);
  asking.socket.end(NEXT);
  await asking.ended;
  const index = await currentIndex(warren);
  t.ok(index <= 1);
  t.ok(await nextIsRight(warren, index + 1));
});

t.test('400 clients that send a header byte by byte are cut, and nobody waits for them', async (t) => {
  const warren = await startWarren(t);
  const slow = await Promise.all(Array.from({ length: 400 }, () => RawConnection.open(t, warren.port)));
  for (const connection of slow) connection.send('GET /next HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  const drip = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write('x');
  }, 1_000);
  t.teardown(() => clearInterval(drip));
  for (let index = 1; index <= 50; index++) {
    if (!(await nextIsRight(warren, index))) t.fail(`number ${index} beside slow clients`);
  }
  await Promise.all(slow.map(({ ended }) => ended));
  t.ok(await nextIsRight(warren, 51));
});

t.test('a reset in the middle of a body costs at most the number that was asked for', async (t) => {
  const warren = await startWarren(t);
  const partly = `${requestBytes('POST', '/next', 'Content-Length: 100')}${'x'.repeat(40)}`;
  const RESETS = 60;
  for (let reset = 0; reset < RESETS; reset++) {
    const connection = await RawConnection.open(t, warren.port);
    connection.send(partly);
    // A third waits for the answer, which does not wait for the body; others go while it is under way, or before.
    if (reset % 3 === 0) t.match((await connection.answer())?.statusLine, '200');
    if (reset % 3 === 1) await new Promise(setImmediate);
    connection.socket.resetAndDestroy();
  }
  const index = await currentIndex(warren);
  t.ok(index >= RESETS / 3 && index <= RESETS, `${index} numbers for ${RESETS} requests`);
  t.ok(await nextIsRight(warren, index + 1));
});

t.test('10,000 connections that never say a word leave the server as it was', async (t) => {
  const warren = await startWarren(t);
  t.ok(await nextIsRight(warren, 1));
  const before = rssMb(warren.pid);
  const idle: Socket[] = [];
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  while (idle.length < IDLE) {
    // From several addresses, so that one need not have as many free ports.
    const batch = Array.from({ length: 250 }, (_, n) =>
      connect({ port: warren.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (n % 8)}` }),
    );
    idle.push(...batch);
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
  }
  for (let index = 2; index <= 20; index++) {
    if (!(await nextIsRight(warren, index))) t.fail(`number ${index} beside idle connections`);
  }
  const grown = rssMb(warren.pid) - before;
  t.ok(grown < MAX_GROWTH_MB, `${grown} MB for ${IDLE} connections`);
  const [last] = idle.slice(-1);
  last?.write(NEXT);
  t.match(String((await once(last as Socket, 'data'))[0]), oracle.digits(21), 'one of them may still speak');
  for (const socket of idle) socket.resetAndDestroy();
  t.ok(await nextIsRight(warren, 22));
});

/** Connections to other nodes: what is said of a request that went wrong, with real sockets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type PeerRequest, Peers, type PeersOptions } from '../../../src/nodes/peers.js';
import { freePort } from '../../support/free-port.js';
import { pause } from '../../support/pause.js';

/** Longer than any test. */
const LONG_MS = 300_000;

const REQUEST: PeerRequest = {
  method: 'POST',
  path: '/counters/a/add?x=1',
  headers: { requestId: 'r-1', idempotencyKey: undefined },
  body: Buffer.from('{"by":1}'),
};

interface Node {
  readonly address: string;
  readonly seen: { readonly head: IncomingMessage; readonly body: string }[];
  readonly server: Server;
}

async function nodeThat(
  t: Test,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<Node> {
  const seen: Node['seen'] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ head: request, body });
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server };
}

/** A server that reads a whole request, and then does something else than answering it. */
async function brokenNode(
  t: Test,
  onRequest: (socket: Socket) => void,
): Promise<{ address: string; requests: () => number }> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
      if (!text.includes('{"by":1}')) return;
      text = '';
      requests += 1;
      onRequest(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

function peersOf(t: Test, options: Partial<PeersOptions> = {}): Peers {
  const peers = new Peers({ token: '', ...options });
  t.teardown(() => peers.close());
  return peers;
}

function problem(response: ServerResponse, status: number, code: string, more: object = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' });
  response.end(
    JSON.stringify({ type: `urn:warren:problem:${code}`, title: 'A title', status, code, ...more }),
  );
}

t.test(
  'a request arrives as it is, with its id, its key and the token, and the answer comes back',
  async (t) => {
    const node = await nodeThat(t, (response) => {
      response.writeHead(201, {
        'Content-Type': 'application/json',
        Commit: '3.7',
        'Idempotency-Replayed': 'true',
        'Sequence-Index': '12',
        'X-Else': 'no',
      });
      response.write('{"a":');
      setImmediate(() => response.end('"ü"}'));
    });
    const peers = peersOf(t, { token: 'secret' });
    const headers = { requestId: 'r-1', idempotencyKey: '"k 1"' };
    const answer = await peers.send(node.address, { ...REQUEST, headers }, LONG_MS);
    t.same(answer, {
      kind: 'answered',
      status: 201,
      headers: {
        contentType: 'application/json',
        commit: '3.7',
        replayed: true,
        sequenceIndex: '12',
        retryAfter: undefined,
      },
      body: Buffer.from('{"a":"ü"}'),
    });
    const [{ head, body } = { head: undefined, body: '' }] = node.seen;
    t.equal(`${head?.method} ${head?.url} ${body}`, 'POST /counters/a/add?x=1 {"by":1}');
    t.match(head?.headers, {
      'x-request-id': 'r-1',
      'idempotency-key': '"k 1"',
      authorization: 'Bearer secret',
      host: node.address,
      'content-length': '8',
    });
  },
);

t.test('a command without a body has a length, and a query has none', async (t) => {
  const node = await nodeThat(t, (response) => response.end());
  const peers = peersOf(t);
  const answer = await peers.send(node.address, { ...REQUEST, body: undefined }, LONG_MS);
  t.match(answer, { kind: 'answered', status: 200, body: Buffer.alloc(0) });
  await peers.send(node.address, { ...REQUEST, method: 'GET', body: undefined }, LONG_MS);
  t.equal(node.seen[0]?.head.headers['content-length'], '0');
  t.equal(node.seen[1]?.head.headers['content-length'], undefined);
  t.equal(node.seen[1]?.head.headers.authorization, undefined);
});

t.test('a path with bytes that were not encoded is sent encoded', async (t) => {
  const node = await nodeThat(t, (response) => response.end());
  const path = '/counters/%C3%BC ü/add';
  t.match(await peersOf(t).send(node.address, { ...REQUEST, path }, LONG_MS), { kind: 'answered' });
  t.equal(node.seen[0]?.head.url, '/counters/%C3%BC%20%C3%BC/add');
});

t.test('a connection is used again, and requests at the same time have one each', async (t) => {
  const ports = new Set<number | undefined>();
  const waiting: (() => void)[] = [];
  const node = await nodeThat(t, (response, { socket }) => {
    ports.add(socket.remotePort);
    waiting.push(() => response.end());
    if (waiting.length >= expected) for (const answer of waiting.splice(0)) answer();
  });
  let expected = 1;
  const peers = peersOf(t, { connections: 4 });
  for (let at = 0; at < 9; at++) await peers.send(node.address, REQUEST, LONG_MS);
  t.ok(ports.size <= 2, 'a connection may be just about to be free');
  expected = 4;
  await Promise.all(Array.from({ length: 8 }, () => peers.send(node.address, REQUEST, LONG_MS)));
  t.equal(ports.size, 4);
  t.equal(peers.underWay, 0);
});

t.test('a refusal that says that nothing was taken is no answer', async (t) => {
  let refuse: (response: ServerResponse) => void = () => {};
  const node = await nodeThat(t, (response) => refuse(response));
  const peers = peersOf(t);
  refuse = (response) => problem(response, 421, 'misdirected', { holder: 'node-2', detail: 'moved' });
  t.same(await peers.send(node.address, REQUEST, LONG_MS), {
    kind: 'not-consumed',
    reason: '421: moved',
    holder: 'node-2',
  });
  const codes = { 401: 'unauthorized', 404: 'not-found', 405: 'method-not-allowed', 503: 'shutting-down' };
  for (const [status, code] of Object.entries(codes)) {
    refuse = (response) => problem(response, Number(status), code);
    t.same(await peers.send(node.address, REQUEST, LONG_MS), {
      kind: 'not-consumed',
      reason: `${status}: A title`,
    });
  }
});

t.test('any other refusal is the answer, also one of an actor that looks alike', async (t) => {
  let refuse: (response: ServerResponse) => void = () => {};
  const node = await nodeThat(t, (response) => refuse(response));
  const peers = peersOf(t);
  for (const [status, code] of [
    [503, 'mailbox-full'],
    [504, 'commit-in-doubt'],
    [404, 'input-invalid'],
  ] as const) {
    refuse = (response) => problem(response, status, code);
    t.match(await peers.send(node.address, REQUEST, LONG_MS), { kind: 'answered', status });
  }
  refuse = (response) => problem(response, 404, 'not-found', { type: 'urn:warren:refusal' });
  t.match(await peers.send(node.address, REQUEST, LONG_MS), { kind: 'answered', status: 404 });
  refuse = (response) => {
    response.writeHead(421, { 'Content-Type': 'application/problem+json', 'Retry-After': '2' });
    response.end('no JSON');
  };
  t.match(await peers.send(node.address, REQUEST, LONG_MS), {
    kind: 'answered',
    status: 421,
    headers: { retryAfter: '2' },
  });
});

t.test('a request to a node that is not there was not consumed', async (t) => {
  const peers = peersOf(t);
  const address = `127.0.0.1:${await freePort()}`;
  for (let at = 0; at < 3; at++)
    t.match(await peers.send(address, REQUEST, LONG_MS), { kind: 'not-consumed', reason: /ECONNREFUSED/ });
  t.equal(peers.underWay, 0);
});

t.test('a request whose connection breaks is unknown, and is sent no second time', async (t) => {
  for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
    const node = await brokenNode(t, (socket) => socket[end]());
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => peersOf(t).send(node.address, REQUEST, LONG_MS)),
    );
    for (const answer of answers) t.match(answer, { kind: 'unknown' });
    t.equal(node.requests(), 3, end);
  }
});

t.test('a connection that breaks under an answer leaves it unknown', async (t) => {
  const node = await brokenNode(t, (socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"half":');
  });
  t.match(await peersOf(t).send(node.address, REQUEST, LONG_MS), { kind: 'unknown' });
});

t.test('a connection that breaks does not touch the requests that wait for another', async (t) => {
  let broken = false;
  const node = await nodeThat(t, (response, { socket }) => {
    if (broken) response.end();
    else socket.destroy();
    broken = true;
  });
  const peers = peersOf(t, { connections: 1 });
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => peers.send(node.address, REQUEST, LONG_MS)),
  );
  t.same(
    answers.map(({ kind }) => kind),
    ['unknown', 'answered', 'answered', 'answered'],
  );
  t.equal(node.seen.length, 4);
});

t.test('an answer that does not come in time is unknown; a request that was not sent is not', async (t) => {
  const node = await brokenNode(t, () => {});
  const peers = peersOf(t, { connections: 1 });
  const first = peers.send(node.address, REQUEST, 600);
  const second = peers.send(node.address, REQUEST, 100);
  t.match(await second, { kind: 'not-consumed' });
  t.match(await first, { kind: 'unknown' });
  t.equal(node.requests(), 1);
  const third = await peers.send(node.address, REQUEST, 100);
  t.match(third, { kind: 'unknown' });
  t.equal(node.requests(), 2, 'the request that was given up is not sent later');
});

t.test('a node takes only so many requests', async (t) => {
  const node = await brokenNode(t, () => {});
  const peers = peersOf(t, { capacity: 2 });
  const two = [peers.send(node.address, REQUEST, LONG_MS), peers.send(node.address, REQUEST, LONG_MS)];
  t.match(await peers.send(node.address, REQUEST, LONG_MS), { kind: 'not-consumed', reason: /too many/ });
  await peers.close();
  for (const answer of await Promise.all(two)) t.match(answer, { kind: /unknown|not-consumed/ });
});

t.test('a request that cannot be sent anywhere says nothing about the node', async (t) => {
  const node = await nodeThat(t, (response) => response.end());
  const peers = peersOf(t);
  const headers = { requestId: 'r', idempotencyKey: 'a\nb' };
  t.match(await peers.send(node.address, { ...REQUEST, headers }, LONG_MS), { kind: 'not-consumed' });
  t.match(await peers.send(node.address, REQUEST, LONG_MS), { kind: 'answered' });
});

t.test('a node that is gone keeps no connection, and what hangs there is soon unknown', async (t) => {
  let closed = 0;
  const gone = await brokenNode(t, (socket) => socket.on('close', () => (closed += 1)));
  const stays = await nodeThat(t, (response) => response.end());
  const peers = peersOf(t);
  const hanging = peers.send(gone.address, REQUEST, LONG_MS);
  await peers.send(stays.address, REQUEST, LONG_MS);
  while (gone.requests() === 0) await pause();
  t.equal(peers.count, 2);
  peers.keep([stays.address]);
  t.equal(peers.count, 1);
  t.match(await hanging, { kind: 'unknown' });
  while (closed === 0) await pause();
  t.match(await peers.send(stays.address, REQUEST, LONG_MS), { kind: 'answered' });
});

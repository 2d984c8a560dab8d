/**
 * The proxies of `docs/operations`, real ones with the documented configuration: what clients are promised holds through them, and they are no
 * way around what the front refuses.
 */
import { Agent, request } from 'node:http';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startProxy } from '../support/proxy-process.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { FRAMES } from '../support/smuggling-frames.js';
import { startWarren } from '../support/warren-process.js';

/** Against proxies that wait for more of a body. */
const PATIENCE_MS = 3_000;
const LAST = requestBytes('GET', '/health', 'Connection: close');

for (const name of ['nginx', 'haproxy'] as const) {
  t.test(`${name}: the contract holds through it, and its check finds the server`, async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const { url } = await startProxy(t, name, warren.port);
    t.match(await get(url, '/health'), { status: 200, body: '{"status": "healthy"}' });
    t.match(await get(url, '/next'), {
      status: 200,
      body: '{"next": 1}',
      headers: { 'sequence-index': '1' },
    });
    t.match(await get(url, '/next', { method: 'POST' }), { status: 200, body: '{"next": 1}' });
    t.match(await get(url, '/current?as=string'), { status: 200, body: '{"current": "1"}' });
    t.match(await get(url, '/current', { method: 'HEAD' }), { status: 200, body: '' });
    t.match(await get(url, '/nowhere', { headers: { 'x-request-id': 'mine' } }), {
      status: 404,
      headers: { 'content-type': 'application/problem+json', 'x-request-id': 'mine' },
    });
    // One request and its answer after the other, over connections that are kept.
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const bodies = await Promise.all(Array.from({ length: 200 }, () => get(url, '/next', { agent })));
    agent.destroy();
    const indices = bodies.map(({ headers }) => Number(headers['sequence-index']));
    t.strictSame(
      indices.sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n + 3),
      'each number once',
    );
  });

  t.test(`${name}: a body reaches the server with a length, or is refused`, async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const { port } = await startProxy(t, name, warren.port);
    t.equal(await post(port, { 'content-length': '5' }), 200);
    t.equal(await post(port, { 'transfer-encoding': 'chunked' }), name === 'nginx' ? 200 : 411);
  });

  t.test(`${name}: nothing hidden in a request is carried out behind it`, { timeout: 240_000 }, async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory' } });
    const { port, url } = await startProxy(t, name, warren.port);
    const index = async () => Number((await get(warren.url, '/current')).headers['sequence-index']);
    const frames = {
      ...FRAMES,
      'a length behind a header without a name': [
        [': x', 'Content-Length: 38'],
        requestBytes('GET', '/next'),
      ] as const,
    };
    for (const [frame, [headers, rest]] of Object.entries(frames)) {
      const before = await index();
      const connection = await RawConnection.open(t, port);
      connection.send(requestBytes('POST', '/health', ...headers) + rest + LAST);
      const patience = setTimeout(() => connection.socket.destroy(), PATIENCE_MS);
      await connection.ended;
      clearTimeout(patience);
      // What the proxy itself reads as a further request is the client's own, and answered to it.
      const received = connection.rest.match(/Sequence-Index/gi)?.length ?? 0;
      const moved = (await index()) - before;
      t.equal(moved, received, `${frame}: ${moved} moved, ${received} received`);
      t.match(
        await get(url, '/health'),
        { body: '{"status": "healthy"}' },
        'the next client gets its own answer',
      );
    }
  });
}

/** @returns the status of a POST of five bytes. */
function post(port: number, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path: '/next', method: 'POST', headers, agent: false });
    sent.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on('error', reject);
    sent.end('hello');
  });
}

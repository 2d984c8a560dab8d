import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { paced } from '../../../bench/load/paced.js';

async function serve(t: Test, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

t.test('every request that fell due is answered and counted', async (t) => {
  let served = 0;
  const port = await serve(t, (_request, response) => {
    served += 1;
    response.end('x'.repeat(100_000));
  });
  const result = await paced({ port, path: '/', rate: 200, connections: 10, seconds: 0.25 });
  t.match(result, { requests: 50, errors: 0, unanswered: 0 });
  t.equal(served, 50);
});

t.test('a request that waits for a connection counts from when it fell due', async (t) => {
  let first = true;
  const port = await serve(t, (_request, response) => {
    if (!first) {
      response.end();
      return;
    }
    first = false;
    setTimeout(() => response.end(), 200);
  });
  // All but the first wait behind it, on the only connection: a closed loop would see one slow answer of twenty.
  const result = await paced({ port, path: '/', rate: 1000, connections: 1, seconds: 0.02 });
  t.match(result, { requests: 20, errors: 0 });
  t.ok(result.p50 > 100, `half of them have waited: ${result.p50} ms`);
});

t.test('answers that are not 200, and connections that break, are errors', async (t) => {
  let asked = 0;
  const port = await serve(t, (request, response) => {
    asked += 1;
    if (asked === 1) request.socket.destroy();
    else response.writeHead(503, { 'Content-Length': 0 }).end();
  });
  const result = await paced({ port, path: '/', rate: 100, connections: 3, seconds: 0.05 });
  t.match(result, { requests: 0, errors: 5 });
});

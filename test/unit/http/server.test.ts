/** What nothing but a fault of Warren itself brings about: a handler that throws, on the real uWebSockets.js. */
import t, { type Test } from 'tap';
import { loadUws } from '../../../src/http/load-uws.js';
import type { Route } from '../../../src/http/route.js';
import { Server } from '../../../src/http/server.js';
import { SlowReaders } from '../../../src/http/slow-readers.js';
import type { OwnerHandle } from '../../../src/runtime/front/owner-handle.js';
import { get } from '../../support/http-client.js';

const FAULT = new Error('a fault of the test');

async function startServer(t: Test): Promise<{ url: string; server: Server; errors: unknown[] }> {
  const errors: unknown[] = [];
  const owner = {
    get alive(): boolean {
      throw FAULT;
    },
    ready: true,
    ask(): never {
      throw FAULT;
    },
    withdraw: () => {},
    retryAfterSeconds: () => 1,
  };
  const server = new Server({
    uws: await loadUws(),
    owner: owner as unknown as OwnerHandle,
    version: '1.2.3',
    slowReaders: new SlowReaders({ bytes: 1, timeoutMs: 1_000 }),
    openLimit: 4,
    connectionLimit: 100,
    corsOrigins: [],
    token: '',
    onError: (error) => errors.push(error),
    onProblem: () => {},
  });
  const route: Route = {
    path: '/throws',
    actor: '',
    methods: ['GET'],
    open: false,
    readsBody: false,
    problems: [],
    handler: () => () => owner.ask(),
    operation: () => ({}),
  };
  server.register([route], () => true);
  const port = await server.listen('127.0.0.1', 0);
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${port}`, server, errors };
}

for (const [name, path] of [
  ['a route', '/throws'],
  ['the front', '/health'],
] as const) {
  t.test(`an exception in a handler of ${name} is answered 500, and the server goes on`, async (t) => {
    const { url, server, errors } = await startServer(t);
    // More often than requests may be open: none of them stays so.
    for (let times = 1; times <= 6; times++) {
      const answer = await get(url, path);
      t.equal(answer.status, 500);
      t.equal(answer.headers['content-type'], 'application/problem+json');
      const { code, status, requestId } = JSON.parse(answer.body);
      t.strictSame({ code, status }, { code: 'internal', status: 500 });
      t.equal(requestId, answer.headers['x-request-id']);
      t.equal(errors.length, times, 'it is reported');
    }
    t.ok(errors.every((error) => error === FAULT));
    t.equal(server.open, 0);
    t.equal((await get(url, '/ready')).status, 200, 'others are served');
  });
}

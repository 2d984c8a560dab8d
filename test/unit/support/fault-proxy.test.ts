/** Each fault against an echo server: what passes, what does not, and what both ends see of it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import type { Scope } from '../../support/child-handle.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';

t.test('bytes and the orderly end pass unchanged', async (t) => {
  const { proxy } = await setUp(t);
  const peer = await dial(t, proxy);
  const sent = 'warren '.repeat(500_000);
  peer.socket.end(sent);
  await once(peer.socket, 'end');
  t.ok(peer.received === sent);
  while (proxy.connections > 0) await nextTurn();
});

t.test('a delay holds answers or requests back, each connection for itself', async (t) => {
  const { proxy } = await setUp(t);
  for (const direction of ['answers', 'requests'] as const) {
    const peer = await dial(t, proxy);
    await peer.exchange('before');
    const { waiting } = proxy;
    proxy.delay(600_000, direction);
    peer.socket.write('question');
    while (proxy.waiting === waiting) await nextTurn();
    proxy.delay(0, direction);
    await (await dial(t, proxy)).exchange('another one is not held back');
    t.equal(peer.received, 'before');
  }
  proxy.delay(1);
  await (await dial(t, proxy)).exchange('late');
});

t.test('what is held stays in the proxy until it is let go, on old and new connections', async (t) => {
  const { proxy } = await setUp(t);
  const peer = await dial(t, proxy);
  await peer.exchange('before');
  proxy.hold(true);
  const late = await dial(t, proxy);
  const exchanges = [peer.exchange('one'), late.exchange('two')];
  while (proxy.waiting < 2) await nextTurn();
  t.strictSame([peer.received, late.received], ['before', '']);
  proxy.hold(false);
  await Promise.all(exchanges);
});

t.test('an end that was delayed still comes after the bytes before it', async (t) => {
  const { proxy } = await setUp(t);
  const peer = await dial(t, proxy);
  proxy.delay(20);
  proxy.delay(20, 'requests');
  peer.socket.end('last words');
  await once(peer.socket, 'end');
  t.equal(peer.received, 'last words');
});

t.test('cutting all resets both ends of every connection, and serves new ones', async (t) => {
  const { proxy, accepted } = await setUp(t);
  const peers = [await dial(t, proxy), await dial(t, proxy)];
  for (const peer of peers) await peer.exchange('hello');
  const ends = [...peers.map(({ ended }) => ended), ...accepted.map(endOf)];
  proxy.cutAll();
  t.strictSame(await Promise.all(ends), Array(4).fill('ECONNRESET'));
  await (await dial(t, proxy)).exchange('again');
});

t.test('an answer is cut in the middle, to the byte, once', async (t) => {
  const { proxy, accepted } = await setUp(t);
  const peer = await dial(t, proxy);
  const cut = proxy.cutAfterBytes(8);
  await peer.exchange('whole');
  const targetEnded = Promise.all(accepted.map(endOf));
  peer.socket.write('partial');
  await cut;
  t.strictSame(await targetEnded, ['ECONNRESET']);
  // libuv reports an end when it finds the last bytes and the reset in one turn.
  t.match(await peer.ended, /^(ECONNRESET|end)$/);
  t.equal(peer.received, 'wholepar');
  await (await dial(t, proxy)).exchange('whole again');
});

t.test('while it refuses, open connections go on and new ones are refused', async (t) => {
  const { proxy } = await setUp(t);
  const open = await dial(t, proxy);
  await open.exchange('before');
  await proxy.refuse(true);
  await open.exchange('meanwhile');
  await t.rejects(dial(t, proxy), { code: 'ECONNREFUSED' });
  await proxy.refuse(false);
  await (await dial(t, proxy)).exchange('after');
});

t.test('a black hole swallows both directions, and what lost bytes is reset afterwards', async (t) => {
  const { proxy, accepted } = await setUp(t);
  const [idle, talker] = [await dial(t, proxy), await dial(t, proxy)];
  await idle.exchange('before');
  await talker.exchange('before');
  proxy.blackhole(true);
  const late = await dial(t, proxy);
  talker.socket.write('request');
  while (proxy.swallowedBytes < 7) await nextTurn();
  accepted[1]?.write('answer');
  while (proxy.swallowedBytes < 13) await nextTurn();
  t.equal(talker.received, 'before');
  proxy.blackhole(false);
  t.strictSame(await Promise.all([talker.ended, late.ended]), ['ECONNRESET', 'ECONNRESET']);
  await idle.exchange('after');
});

t.test('a target that is away or goes away resets the client', async (t) => {
  const { proxy, accepted, stop } = await setUp(t);
  const peer = await dial(t, proxy);
  await peer.exchange('hello');
  accepted[0]?.resetAndDestroy();
  t.equal(await peer.ended, 'ECONNRESET');
  await stop();
  t.equal(await (await dial(t, proxy)).ended, 'ECONNRESET');
});

async function setUp(scope: Scope) {
  const accepted: Socket[] = [];
  const target = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const stop = async () => {
    for (const socket of accepted) socket.destroy();
    target.close();
  };
  scope.teardown(stop);
  const proxy = await startFaultProxy(scope, (target.address() as AddressInfo).port);
  return { proxy, accepted, stop };
}

/** A client of the proxy that keeps all that it receives. */
class Peer {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = endOf(socket);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      this.received += chunk;
    });
  }

  async exchange(text: string): Promise<void> {
    const expected = this.received + text;
    this.socket.write(text);
    while (this.received !== expected) await once(this.socket, 'data');
  }
}

async function dial(scope: Scope, proxy: FaultProxy): Promise<Peer> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  scope.teardown(async () => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return new Peer(socket);
}

/** The error that ended a connection, or `end`. */
function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('end', () => resolve('end'));
    socket.on('close', () => resolve('end'));
  });
}

/** Stands in for a Sentinel: it names the master that the test tells it, or says nothing at all. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Scope } from './child-handle.js';

export interface ToldSentinel {
  readonly port: number;
  /** How often it was asked. */
  asked: number;
  /** The answer, as Redis writes it; undefined for none. */
  answer: string | undefined;
}

export function masterAnswer(port: number, epoch: number): string {
  const fields = ['name', 'mymaster', 'ip', '127.0.0.1', 'port', `${port}`, 'config-epoch', `${epoch}`];
  return `*${fields.length}\r\n${fields.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`;
}

export async function startToldSentinel(scope: Scope, answer?: string): Promise<ToldSentinel> {
  const sockets = new Set<Socket>();
  const sentinel = { port: 0, asked: 0, answer };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (words) => {
      if (!/SENTINEL/.test(String(words))) return;
      sentinel.asked += 1;
      if (sentinel.answer !== undefined) socket.write(sentinel.answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.teardown(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  sentinel.port = typeof address === 'object' && address ? address.port : 0;
  return sentinel;
}

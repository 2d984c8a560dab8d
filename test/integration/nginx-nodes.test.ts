/** The nginx of the documents in front of three nodes: what it sends to a second node, and what it tells a client of a request that failed. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { startProxy } from '../support/proxy-process.js';

/** What a node does with a request. */
type Way = 'answer' | 'unavailable' | 'cut';

const ANSWER: Record<Way, (response: ServerResponse) => void> = {
  answer: (response) => response.end('{}'),
  unavailable: (response) => response.writeHead(503).end('{}'),
  cut: (response) => response.socket?.destroy(),
};
/** Commands, of which GET /next is one, and a query. */
const NEXT = { path: '/next', method: 'GET' };
const COMMAND = { path: '/tickets/next%20one/take', method: 'POST' };
const QUERY = { path: '/tickets/next%20one/left', method: 'GET' };

/** A node of which nothing counts but how it answers. */
class Node {
  way: Way = 'answer';
  readonly server: Server = createServer((request, response) => {
    if (request.url === '/ready') return response.end();
    this.asked += 1;
    if (this.way === 'answer') this.answered += 1;
    return ANSWER[this.way](response);
  });
  asked = 0;
  answered = 0;

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on it refuses connections. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

async function threeNodes(t: Test): Promise<{ nodes: [Node, Node, Node]; url: string }> {
  const nodes: [Node, Node, Node] = [new Node(), new Node(), new Node()];
  for (const node of nodes) {
    await new Promise<void>((resolve) => node.server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => node.stop());
  }
  const { url } = await startProxy(t, 'nginx-nodes', ...nodes.map(({ port }) => port));
  return { nodes, url };
}

/** Asks once for each node, so that each gets a turn. @returns the statuses, and how often nodes answered in all. */
async function askInTurn(url: string, nodes: readonly Node[], { path, method }: typeof NEXT) {
  const statuses: number[] = [];
  for (const _ of nodes) statuses.push((await get(url, path, { method })).status);
  return { statuses, answered: nodes.reduce((sum, { answered }) => sum + answered, 0) };
}

for (const request of [NEXT, COMMAND, QUERY]) {
  const name = `${request.method} ${request.path}`;

  t.test(`${name}: no node that refuses connections fails it`, async (t) => {
    const { nodes, url } = await threeNodes(t);
    await nodes[1].stop();
    t.strictSame(await askInTurn(url, nodes, request), { statuses: [200, 200, 200], answered: 3 });
  });

  t.test(`${name}: no node that answers 503 fails it`, async (t) => {
    const { nodes, url } = await threeNodes(t);
    nodes[1].way = 'unavailable';
    t.strictSame(await askInTurn(url, nodes, request), { statuses: [200, 200, 200], answered: 3 });
  });

  t.test(`${name}: 503 when no node can be asked, and when each says so`, async (t) => {
    const { nodes, url } = await threeNodes(t);
    for (const node of nodes) node.way = 'unavailable';
    t.strictSame((await askInTurn(url, nodes, request)).statuses, [503, 503, 503]);
    for (const node of nodes) await node.stop();
    t.strictSame(await askInTurn(url, nodes, request), { statuses: [503, 503, 503], answered: 0 });
    t.match(await get(url, request.path, { method: request.method }), { headers: { 'retry-after': '1' } });
  });
}

for (const command of [NEXT, COMMAND]) {
  t.test(
    `${command.method} ${command.path}: one that a node may have taken is sent to no other, and answered 504`,
    async (t) => {
      const { nodes, url } = await threeNodes(t);
      for (const node of nodes) node.way = 'cut';
      const { status } = await get(url, command.path, { method: command.method });
      t.equal(status, 504);
      t.equal(
        nodes.reduce((sum, { asked }) => sum + asked, 0),
        1,
      );
    },
  );
}

t.test('a query goes to another node when the first one cuts it off', async (t) => {
  const { nodes, url } = await threeNodes(t);
  nodes[1].way = 'cut';
  t.strictSame(await askInTurn(url, nodes, QUERY), { statuses: [200, 200, 200], answered: 3 });
});

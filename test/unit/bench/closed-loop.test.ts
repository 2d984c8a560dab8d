import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { chooseLoadTool } from '../../../bench/load/closed-loop.js';
import { Teardowns } from '../../../bench/teardowns.js';

async function listen(t: Test, server: Server): Promise<{ scope: Teardowns; port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scope = new Teardowns();
  t.teardown(async () => {
    await scope.run();
    server.closeAllConnections();
    server.close();
  });
  return { scope, port: (server.address() as AddressInfo).port };
}

/** The same one twice where there is no wrk. */
const TOOLS = [chooseLoadTool(undefined), chooseLoadTool('autocannon')];

for (const tool of new Map(TOOLS.map((each) => [each.name, each])).values()) {
  t.test(`${tool.name}: a refused request is an error and no throughput`, async (t) => {
    let [well, refused] = [0, 0];
    const server = createServer((_request, response) => {
      const good = well <= refused;
      if (good) well += 1;
      else refused += 1;
      response.writeHead(good ? 200 : 503, { 'Content-Length': 0 }).end();
    });
    const { scope, port } = await listen(t, server);
    const result = await tool.run(scope, { port, path: '/current', connections: 2, seconds: 1 });
    // The last answers of all connections may have come too late to count.
    t.ok(
      result.requests > 0 && Math.abs(result.requests - well) <= 2,
      `${result.requests} of ${well} were good`,
    );
    t.ok(
      result.errors > 0 && Math.abs(result.errors - refused) <= 2,
      `${result.errors} of ${refused} failed`,
    );
  });
}

for (const tool of new Map(TOOLS.map((each) => [each.name, each])).values()) {
  t.test(
    `${tool.name}: a bounded load ends after so many requests, in the mix that was asked for`,
    async (t) => {
      const paths = new Map<string, number>();
      const server = createServer(({ url = '' }, response) => {
        paths.set(url, (paths.get(url) ?? 0) + 1);
        response.writeHead(200, { 'Content-Length': 0 }).end();
      });
      const { scope, port } = await listen(t, server);
      const load = {
        port,
        path: '/current',
        connections: 4,
        nextEvery: 8,
        // wrk ends after its time only: enough for these few requests on any machine.
        seconds: 5,
        requests: 80,
      } as const;
      await tool.run(scope, load);
      const [reads, writes] = [paths.get('/current') ?? 0, paths.get('/next') ?? 0];
      // Some more are on their way when the last answer comes; a generator may go through the mix once per connection.
      t.ok(Math.abs(reads + writes - 80) <= 4 + 1, `${reads + writes} requests`);
      t.ok(Math.abs(writes - 10) <= 4, `${writes} of them /next`);
    },
  );
}

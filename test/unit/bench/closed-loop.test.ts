import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { chooseLoadTool } from '../../../bench/load/closed-loop.js';
import { Teardowns } from '../../../bench/teardowns.js';

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
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const scope = new Teardowns();
    t.teardown(async () => {
      await scope.run();
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
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

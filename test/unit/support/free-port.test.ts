/** Ports for tests: several suites on one machine never pick the same one. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { ChildHandle } from '../../support/child-handle.js';
import { freePort } from '../../support/free-port.js';

const FREE_PORT = new URL('../../support/free-port.js', import.meta.url);

t.test('a port that was handed out is free to listen on, and is not handed out again', async (t) => {
  const ports = await Promise.all(Array.from({ length: 100 }, freePort));
  t.equal(new Set(ports).size, ports.length);
  const server = createServer().listen(ports[0], '127.0.0.1');
  await once(server, 'listening');
  server.close();
});

t.test(
  'a port stays reserved until the process that has it ends, also by SIGKILL',
  {
    skip: process.platform !== 'linux' && 'only Linux has reservations that go with a process',
  },
  async (t) => {
    const script = `
    import { freePort } from ${JSON.stringify(FREE_PORT)};
    console.log(await freePort());
    setInterval(() => {}, 1_000);`;
    const child = await ChildHandle.spawn({
      command: process.execPath,
      args: ['--input-type=module', '-e', script],
      env: {},
    });
    t.teardown(async () => void (await child.end()));
    const port = await new Promise<string>((resolve) => child.onStdout((text) => resolve(text.trim())));
    t.notOk(await canReserve(port), 'nobody listens there, and still it is taken');
    await child.end();
    t.ok(await canReserve(port), 'and then it is free');
  },
);

async function canReserve(port: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ path: `\0warren-test-port-${port}` });
    await once(server, 'listening');
    server.close();
    return true;
  } catch {
    return false;
  }
}

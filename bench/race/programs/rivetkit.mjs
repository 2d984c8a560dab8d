/** An actor of RivetKit with its file driver, in one process with the HTTP server that asks it. SAVE=1: the action waits until its state is saved. */
import { createServer } from 'node:http';
import { actor, createFileSystemDriver, setup } from 'rivetkit';
import { announce } from './announce.mjs';

const saves = process.env.SAVE === '1';
const counter = actor({
  state: { n: 0 },
  actions: {
    add: async (context, by) => {
      context.state.n += by;
      const { n } = context.state;
      if (saves) await context.saveState({ immediate: true });
      return n;
    },
  },
});
const registry = setup({ use: { counter } });
const { client } = registry.start({
  driver: createFileSystemDriver({ path: process.env.DATA_DIR }),
  disableDefaultServer: true,
  noWelcome: true,
  inspector: { enabled: false },
  logging: { level: 'error' },
});
const handles = new Map();

const server = createServer((request, response) => {
  const key = request.url.split('/')[2];
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', async () => {
    const handle = handles.get(key) ?? client.counter.getOrCreate([key]);
    handles.set(key, handle);
    try {
      const n = await handle.add(JSON.parse(body).by);
      response
        .writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
        .end(`${n}`);
    } catch (error) {
      console.error(error);
      response.destroy();
    }
  });
});
server.listen(0, '127.0.0.1', () => announce(server.address().port));

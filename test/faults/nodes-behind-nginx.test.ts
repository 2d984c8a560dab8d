/** Three nodes behind the nginx of the documents: nodes leave, come and are killed, and nginx repeats nothing that may have had an effect. */
import t, { type Test } from 'tap';
import { ACTORS, ready } from '../support/actor-server.js';
import { get } from '../support/http-client.js';
import { startProxy } from '../support/proxy-process.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import { underLoad } from './under-load.js';

const LOAD = { clients: 8 };
const COUNTERS = 4;

async function threeNodes(t: Test): Promise<{ nodes: WarrenProcess[]; url: string }> {
  const redis = await startRedis(t);
  const nodes: WarrenProcess[] = [];
  for (const name of ['one', 'two', 'three']) {
    const actors = { ACTORS: `${ACTORS},fibonacci` };
    const env = { REDIS_URL: redis.url, SHARDS: '8', NODE_HOST_PORT: '', INSTANCE_ID: name, ...actors };
    nodes.push(await startWarren(t, { env }));
  }
  for (const node of nodes) await ready(node);
  const { url } = await startProxy(t, 'nginx-nodes', ...nodes.map(({ port }) => port));
  return { nodes, url };
}

/** Adds to a counter again and again. @returns how often each status came. */
async function add(url: string, key: string, signal: AbortSignal): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  while (!signal.aborted) {
    const { status } = await get(url, `/counter/${key}/add`, { method: 'POST' });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return statuses;
}

t.test('what nodes take that are stopped and started one after the other they answer', async (t) => {
  const { nodes, url } = await threeNodes(t);
  const adding = new AbortController();
  t.teardown(() => adding.abort());
  const counters = Array.from({ length: COUNTERS }, (_, at) => add(url, `k${at}`, adding.signal));
  const { history, stats } = await underLoad(t, { url }, LOAD, async () => {
    for (const [at, node] of nodes.entries()) {
      t.equal(await node.stop(), 0);
      nodes[at] = await node.again();
      await ready(nodes[at]);
    }
  });
  adding.abort();
  for (const [at, statuses] of (await Promise.all(counters)).entries()) {
    t.comment(Object.fromEntries(statuses));
    const { 200: answered = 0, 504: unknown = 0, ...others } = Object.fromEntries(statuses);
    t.strictSame(others, {});
    const count = Number((await get(url, `/counter/k${at}/get`)).body);
    t.ok(count >= answered && count <= answered + unknown, 'each addition was answered, and none came twice');
  }
  t.ok(stats.gaps <= stats.unknownNexts, 'and so was each number');
  // A machine without time can let a node wait so long that a request still meets the end of its connection.
  t.strictSame(
    [...history.answers.keys()].filter((answer) => !/^(200|504)/.test(answer)),
    [],
  );
});

t.test(
  'nodes that are killed cost an unknown outcome for what was under way, and no number comes twice',
  async (t) => {
    const { nodes, url } = await threeNodes(t);
    const { history } = await underLoad(t, { url }, LOAD, async () => {
      for (const [at, node] of nodes.entries()) {
        node.kill();
        await node.exited;
        nodes[at] = await node.again();
        await ready(nodes[at]);
      }
    });
    t.strictSame(
      [...history.answers.keys()].filter((answer) => !/^(200|50[34])/.test(answer)),
      [],
    );
  },
);

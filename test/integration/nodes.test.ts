/** Several nodes on one Redis, seen from outside: readiness, `/nodes`, metrics, edits, `warren nodes` and the live page. */
import t, { type Test } from 'tap';
import type { NodesReport } from '../../src/nodes/nodes-report.js';
import { decodeFence, encodeFence } from '../../src/store/shard-fence.js';
import { ACTORS, ready } from '../support/actor-server.js';
import { startBrowser } from '../support/browser.js';
import { runCli } from '../support/cli-process.js';
import { get } from '../support/http-client.js';
import { openPage } from '../support/live-page.js';
import { scrape } from '../support/metrics.js';
import { pause } from '../support/pause.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';

const SHARDS = 8;
const OWNED = 'warren_shards_owned';

function nodeCalled(t: Test, redis: RedisProcess, name: string, env: ServerEnv = {}): Promise<WarrenProcess> {
  return startWarren(t, {
    env: {
      REDIS_URL: redis.url,
      SHARDS: `${SHARDS}`,
      INSTANCE_ID: name,
      NODE_HOST_PORT: '',
      ADMIN_HOST_PORT: '127.0.0.1:0',
      ACTORS: `${ACTORS},fibonacci`,
      ...env,
    },
  });
}

async function reportOf(node: WarrenProcess): Promise<NodesReport> {
  return JSON.parse((await get(node.adminUrl, '/nodes')).body);
}

/** Resolves when each of them owns what it should own, and knows all of them. */
async function settled(nodes: readonly WarrenProcess[]): Promise<NodesReport[]> {
  for (;;) {
    const reports = await Promise.all(nodes.map(reportOf));
    const owned = reports.reduce((sum, report) => sum + report.owned, 0);
    const quiet = reports.every(
      (report) =>
        report.coming + report.going === 0 &&
        report.nodes.length === nodes.length &&
        report.nodes.every(({ state }) => state === 'ready'),
    );
    if (quiet && owned === reports[0]?.shards) return reports;
    await pause();
  }
}

/** A key of the counters whose shard is on the second node, as the first one says. */
async function keyElsewhere(node: WarrenProcess): Promise<string> {
  for (let at = 0; ; at++) {
    const { status } = await get(node.adminUrl, `/state?actor=counter&key=k${at}`, { method: 'DELETE' });
    if (status === 421) return `k${at}`;
  }
}

t.test('all nodes say the same of who should own what, and each what it owns', async (t) => {
  const redis = await startRedis(t);
  const one = await nodeCalled(t, redis, 'one');
  await ready(one);
  t.same(
    (await settled([one])).map(({ owned }) => owned),
    [SHARDS],
  );
  const before = await scrape(one.adminUrl);
  t.equal(before.value('warren_shards_taken_total'), SHARDS);
  t.equal(before.value('warren_shards_given_total'), 0);
  const two = await nodeCalled(t, redis, 'two');
  await ready(two);
  const reports = await settled([one, two]);
  const [first, second] = reports as [NodesReport, NodesReport];
  t.same(first.nodes, second.nodes);
  t.same(
    first.nodes.map(({ node, placed, actors }) => ({ node, placed, actors })),
    [
      { node: 'one', placed: first.owned, actors: { counter: 1, fibonacci: 1 } },
      { node: 'two', placed: second.owned, actors: { counter: 1, fibonacci: 1 } },
    ],
  );
  t.ok(second.owned > 0);
  const [atOne, atTwo] = await Promise.all([scrape(one.adminUrl), scrape(two.adminUrl)]);
  t.equal(atOne.value('warren_shards'), SHARDS);
  t.equal(atOne.value(OWNED), first.owned);
  t.equal(atOne.value('warren_shards_given_total'), second.owned, 'what the joining node got was given');
  t.equal(atTwo.value('warren_shards_taken_total'), second.owned);
  t.equal(atTwo.value('warren_nodes{state="ready"}'), 2);
  t.equal(await two.stop(), 0);
  await settled([one]);
  t.equal((await scrape(one.adminUrl)).value('warren_shards_taken_total'), SHARDS + second.owned);
});

t.test('a node without a shard is ready, and its metrics count what it forwards', async (t) => {
  const redis = await startRedis(t);
  const nodes = [
    await nodeCalled(t, redis, 'one', { SHARDS: '1' }),
    await nodeCalled(t, redis, 'two', { SHARDS: '1' }),
  ];
  for (const node of nodes) await ready(node);
  const reports = await settled(nodes);
  const at = reports.findIndex(({ owned }) => owned === 0);
  const idle = nodes[at] as WarrenProcess;
  const before = await scrape(idle.adminUrl);
  for (const index of [1, 2, 3])
    t.equal((await get(idle.url, '/next')).headers['sequence-index'], `${index}`);
  const after = await scrape(idle.adminUrl);
  const rose = (series: string) => after.value(series) - before.value(series);
  t.equal(rose('warren_forwards_total{outcome="answered"}'), 3);
  t.equal(rose('warren_forward_duration_seconds_count'), 3);
  t.equal(after.value('warren_forwards_total{outcome="unknown"}'), 0);
  t.equal(after.value(OWNED), 0);
  t.equal(after.value('warren_ready'), 1);
  t.equal(after.value('warren_standby'), 0);
});

t.test(
  'no node is ready before every shard has an owner, though it answers for those that have one',
  async (t) => {
    const redis = await startRedis(t);
    const before = await nodeCalled(t, redis, 'before');
    await ready(before);
    t.equal(await before.stop(), 0);
    const key = 'warren:{5}:fence';
    const text = String(await redisCommand(redis, 'GET', key));
    await redisCommand(redis, 'SET', key, encodeFence({ ...decodeFence(text), halted: 'by this test' }));
    const nodes = [await nodeCalled(t, redis, 'one'), await nodeCalled(t, redis, 'two')];
    const owned = async () => {
      const reports = await Promise.all(nodes.map(reportOf));
      return reports.reduce((sum, report) => sum + report.owned, 0);
    };
    while ((await owned()) < SHARDS - 1) await pause();
    let answered = 0;
    for (let at = 0; answered < 3; at++) {
      const { status } = await get((nodes[at % 2] as WarrenProcess).url, `/counter/k${at}/get`);
      if (status === 200) answered += 1;
    }
    for (const node of nodes) {
      t.equal((await get(node.url, '/ready')).status, 503);
      t.equal((await get(node.url, '/health')).status, 200);
    }
    for (const node of nodes) t.equal(await node.stop(), 0);
    await redisCommand(redis, 'SET', key, text);
    await ready(await nodeCalled(t, redis, 'one'));
  },
);

t.test('an edit at a node that does not have the actor says which one has it', async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [await nodeCalled(t, redis, 'one'), await nodeCalled(t, redis, 'two')];
  await ready(one);
  await ready(two);
  await settled([one, two]);
  const key = await keyElsewhere(one);
  const state = { method: 'PUT', body: '{"n":7}' };
  const path = `/state?actor=counter&key=${key}`;
  const { status, body } = await get(one.adminUrl, path, state);
  t.equal(status, 421);
  const { nodes } = await reportOf(one);
  const address = nodes.find(({ node }) => node === 'two')?.address;
  t.match(JSON.parse(body), { code: 'misdirected', holder: 'two', detail: new RegExp(`two.*${address}`) });
  const envAt = (node: WarrenProcess) => ({
    REDIS_URL: redis.url,
    SHARDS: `${SHARDS}`,
    ACTORS,
    ADMIN_HOST_PORT: new URL(node.adminUrl).host,
  });
  const refused = await runCli(t, ['set', 'counter', key, '{"n": 7}'], envAt(one));
  t.equal(refused.code, 1);
  t.match(refused.output, `The node two has counter ${key}`);
  t.match(refused.output, 'Nothing was done.');
  const done = await runCli(t, ['set', 'counter', key, '{"n": 7}'], envAt(two));
  t.equal(done.code, 0, done.output);
  t.equal((await get(one.url, `/counter/${key}/get`)).body, '7', 'and the other node answers with it');
});

t.test('warren nodes prints what a running node sees, or else what Redis holds', async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [await nodeCalled(t, redis, 'one'), await nodeCalled(t, redis, 'two')];
  await ready(one);
  await ready(two);
  const [report] = (await settled([one, two])) as [NodesReport];
  const env = { REDIS_URL: redis.url, SHARDS: `${SHARDS}`, ADMIN_HOST_PORT: '' };
  const running = { ...env, ADMIN_HOST_PORT: new URL(one.adminUrl).host };
  const asked = await runCli(t, ['nodes'], running);
  t.equal(asked.code, 0, asked.output);
  t.match(asked.output, /^NODE +STATE +ADDRESS +VERSION +SHARDS +ACTORS\none +ready +127\.0\.0\.1:\d+ /);
  t.match(asked.output, `one owns ${report.owned} of ${SHARDS} shards; 0 are to come, 0 are to go.`);
  const lines = async (env: Record<string, string>) =>
    (await runCli(t, ['nodes', '--json'], env)).output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  t.strictSame(await lines(env), report.nodes);
  const { nodes, ...own } = report;
  t.strictSame(await lines(running), [...nodes, own]);
  t.equal(await two.stop(), 0);
  t.match(await lines(env), [{ node: 'one', placed: SHARDS }]);
  const alone = await runCli(t, ['nodes'], { DATA_DIR: t.testdir(), ADMIN_HOST_PORT: '' });
  t.match(alone, { code: 1, output: /Several nodes share a Redis, and the environment names none/ });
});

t.test('the live page shows the nodes, their shards, and those that come and go', async (t) => {
  const browser = await startBrowser(t);
  const redis = await startRedis(t);
  const one = await nodeCalled(t, redis, 'one');
  await ready(one);
  const page = await openPage(t, browser, one.adminUrl);
  const card = page.locator('#nodes');
  await card.getByText(`This node owns ${SHARDS} of ${SHARDS} shards; none is about to move.`).waitFor();
  const two = await nodeCalled(t, redis, 'two');
  await ready(two);
  const [report] = (await settled([one, two])) as [NodesReport];
  await card
    .getByText(`This node owns ${report.owned} of ${SHARDS} shards; none is about to move.`)
    .waitFor();
  const row = card.getByRole('row', { name: /^two ready/ });
  t.equal(await row.locator('td').nth(1).textContent(), `${SHARDS - report.owned}`);
  if (process.env['PICTURE']) await card.screenshot({ path: process.env['PICTURE'] });
  await two.stop();
  await card.getByText(`This node owns ${SHARDS} of ${SHARDS} shards; none is about to move.`).waitFor();
  t.equal(await row.count(), 0);
});

t.test('where a process is alone, nothing is said of nodes', async (t) => {
  const alone = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
  t.equal((await get(alone.adminUrl, '/nodes')).status, 404);
  const metrics = await scrape(alone.adminUrl);
  t.equal(metrics.value('warren_forwards_total{outcome="answered"}'), 0);
  t.equal(metrics.value('warren_nodes{state="ready"}'), 0);
});

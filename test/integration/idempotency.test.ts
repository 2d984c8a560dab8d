/** Commands with an Idempotency-Key: each takes effect once, and every retry gets the first answer, whatever dies in between. */
import t, { type Test } from 'tap';
import { ACTORS, ready, serveBoth, serveCounters } from '../support/actor-server.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get } from '../support/http-client.js';
import { type Answer, ask, post } from '../support/json-client.js';
import { pendingRequests } from '../support/metrics.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren } from '../support/warren-process.js';

function keyed(url: string, path: string, key: string, body?: string): Promise<Answer> {
  return ask(url, path, {
    method: 'POST',
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });
}

/** The same answer as before, and it says so. */
async function isReplay(t: Test, first: Answer, again: Promise<Answer>, name: string): Promise<void> {
  const { status, body, headers } = await again;
  t.strictSame({ status, body }, { status: first.status, body: first.body }, name);
  t.equal(headers.get('idempotency-replayed'), 'true', `${name}, as a replay`);
}

t.test('a retry gets the first answer, and takes no effect', async (t) => {
  const { url } = await serveCounters(t);
  const first = await keyed(url, '/counter/a/add', 'k1');
  t.match(first, { status: 200, body: 1 });
  t.equal(first.headers.get('idempotency-replayed'), null);
  await isReplay(t, first, keyed(url, '/counter/a/add', 'k1'), 'a reply');
  t.match(await keyed(url, '/counter/a/add', 'k2'), { status: 200, body: 2 }, 'another key, another command');
  t.match(await keyed(url, '/counter/b/add', 'k1'), { body: 1 }, 'a key belongs to an actor');

  const refused = await keyed(url, '/counter/a/refuse', 'r');
  t.match(refused, { status: 423, body: { code: 'no', details: { n: 2 } } });
  await post(url, '/counter/a/add');
  await isReplay(t, refused, keyed(url, '/counter/a/refuse', 'r'), 'a refusal');
  const empty = await keyed(url, '/counter/a/quiet', 'q');
  t.match(empty, { status: 204 });
  await isReplay(t, empty, keyed(url, '/counter/a/quiet', 'q'), 'no reply');
  const big = await keyed(url, '/counter/a/add-digits', 'd', '{"digits":9000}');
  await isReplay(t, big, keyed(url, '/counter/a/add-digits', 'd', '{"digits":9000}'), 'a large reply');
  t.match(await ask(url, '/counter/a/get'), { body: 4 });
});

t.test('a key belongs to one request: message, query string and body', async (t) => {
  const { url } = await serveCounters(t);
  await keyed(url, '/counter/a/echo?x=1', 'k', '{"a": 1}');
  for (const [path, body] of [
    ['/counter/a/echo?x=1', '{"a":1}'],
    ['/counter/a/echo?x=2', '{"a": 1}'],
    ['/counter/a/echo', '{"a": 1}'],
    ['/counter/a/echo?x=1', undefined],
    ['/counter/a/quiet?x=1', '{"a": 1}'],
  ] as const) {
    t.match(await keyed(url, path, 'k', body), { status: 422, body: { code: 'idempotency-key-reused' } });
  }
  t.match(await keyed(url, '/counter/a/echo?x=1', 'k', '{"a": 1}'), { status: 200, body: { a: 1 } });
});

t.test('what is no key is refused, and a query needs none', async (t) => {
  const { url } = await serveCounters(t);
  for (const key of ['', ' ', 'a b', 'ü', 'x'.repeat(129)]) {
    const answer = await keyed(url, '/counter/a/add', key);
    t.match(answer, { status: 400, body: { code: 'idempotency-key-invalid' } }, JSON.stringify(key));
  }
  const headers: [string, string][] = [
    ['idempotency-key', 'a'],
    ['idempotency-key', 'b'],
  ];
  t.match(await ask(url, '/counter/a/add', { method: 'POST', headers }), { status: 400 }, 'several');
  t.match(await keyed(url, '/counter/a/add', `"${'~'.repeat(126)}"`), { status: 200, body: 1 });
  t.match(await ask(url, '/counter/a/get', { headers: { 'idempotency-key': '' } }), { body: 1 });
});

t.test('what failed, or consumed nothing, takes its turn when it is sent again', async (t) => {
  const { url } = await serveCounters(t);
  for (const [path, body, status] of [
    ['/counter/a/throw', undefined, 500],
    ['/counter/a/echo', '{', 400],
  ] as const) {
    for (let times = 0; times < 2; times++) {
      const answer = await keyed(url, path, 'k', body);
      t.match(answer, { status });
      t.equal(answer.headers.get('idempotency-replayed'), null);
    }
  }
  t.match(await keyed(url, '/counter/a/add', 'k'), { status: 200, body: 1 });
});

t.test('a forgotten actor leaves its keys', async (t) => {
  const { url } = await serveCounters(t);
  const first = await keyed(url, '/counter/a/add', 'k');
  await post(url, '/counter/a/clear');
  await isReplay(t, first, keyed(url, '/counter/a/add', 'k'), 'the reply');
  t.match(await keyed(url, '/counter/a/add', 'k2'), { body: 1 });
});

t.test('a retry while the first is in flight waits for the same commit', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const warren = await serveCounters(t, {
    REDIS_HOST_PORT: `127.0.0.1:${proxy.port}`,
    ADMIN_HOST_PORT: '127.0.0.1:0',
  });
  await post(warren.url, '/counter/a/add');
  await keyed(warren.url, '/counter/a/add', 'k0');
  proxy.hold(true);
  const tries = Array.from({ length: 5 }, () => keyed(warren.url, '/counter/a/add', 'k'));
  await pendingRequests(warren.adminUrl, 5);
  proxy.hold(false);
  const answers = await Promise.all(tries);
  t.strictSame(
    answers.map(({ status, body }) => [status, body]),
    answers.map(() => [200, 3]),
  );
  t.equal(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1);
});

for (const store of ['level', 'redis'] as const) {
  t.test(`${store}: a retry is a replay after the death of the owner, and of the process`, async (t) => {
    const env: Record<string, string> = { FAULTS: 'on' };
    if (store === 'redis') env['REDIS_URL'] = (await startRedis(t)).url;
    const warren = await serveBoth(t, env);
    const { url } = warren;
    const first = await keyed(url, '/counter/a/add', 'k');
    const number = await keyed(url, '/next', 'k');
    warren.kill('SIGUSR2');
    await warren.waitForLog(({ msg }) => /owner died/.test(String(msg)));
    await isReplay(t, first, keyed(url, '/counter/a/add', 'k'), 'after the death of the owner');
    await isReplay(t, number, keyed(url, '/next', 'k'), 'and the number');
    warren.kill();
    await warren.exited;
    const again = await warren.again();
    await ready(again);
    await isReplay(t, first, keyed(url, '/counter/a/add', 'k'), 'after kill -9');
    await isReplay(t, number, keyed(url, '/next', 'k'), 'and the number');
    t.match(await ask(url, '/counter/a/get'), { body: 1 });
  });
}

t.test('on another instance, after a take-over, a retry is a replay', async (t) => {
  const { url: REDIS_URL } = await startRedis(t);
  const one = await serveCounters(t, { REDIS_URL });
  const other = await startWarren(t, {
    env: { ACTORS, REDIS_URL, INSTANCE_ID: 'other' },
  });
  const first = await keyed(one.url, '/counter/a/add', 'k');
  one.kill();
  await ready(other);
  await isReplay(t, first, keyed(other.url, '/counter/a/add', 'k'), 'from the other one');
});

t.test('a number is handed out once for a key, at any size, and GET takes none', async (t) => {
  const warren = await startWarren(t, { env: { INITIAL_INDEX: '60000', STORE: 'memory' } });
  await ready(warren);
  const { url } = warren;
  const first = await keyed(url, '/next', 'k');
  t.equal(first.headers.get('sequence-index'), '60001');
  const quoted = await keyed(url, '/next?as=string', 'q');
  t.equal(quoted.headers.get('sequence-index'), '60002');
  for (let times = 0; times < 300; times++) await get(url, '/next');
  for (const [key, path, answer] of [
    ['k', '/next', first],
    ['q', '/next?as=string', quoted],
  ] as const) {
    const again = await keyed(url, path, key);
    t.strictSame(again.body, answer.body, 'to the last digit');
    t.equal(again.headers.get('sequence-index'), answer.headers.get('sequence-index'));
    t.equal(again.headers.get('idempotency-replayed'), 'true');
  }
  t.match(await keyed(url, '/next', 'q'), { status: 422 }, 'the query string is part of the request');
  t.match(await ask(url, '/next', { headers: { 'idempotency-key': 'k' } }), {
    status: 400,
    body: { code: 'idempotency-key-invalid' },
  });
  t.equal((await get(url, '/current')).headers['sequence-index'], '60302');
});

t.test('no room for another key: nothing is consumed, and known keys go on', async (t) => {
  const { url } = await serveCounters(t, { IDEMPOTENCY_MB: '1' });
  const first = await keyed(url, '/counter/a/add', 'k');
  const body = JSON.stringify('x'.repeat(60_000));
  let full: Answer | undefined;
  let count = 0;
  while (full === undefined) {
    const answer = await keyed(url, '/counter/a/echo', `k${count}`, body);
    if (answer.status === 200) count += 1;
    else full = answer;
  }
  t.match(full, { status: 503, body: { code: 'idempotency-full' } });
  t.match(await keyed(url, '/counter/a/add', 'other'), { status: 503 });
  await isReplay(t, first, keyed(url, '/counter/a/add', 'k'), 'a known key');
  t.match(await post(url, '/counter/a/add'), { status: 200, body: 2 }, 'without a key nothing is in the way');
});

t.test('every gated answer of a command names its commit, and they never fall', async (t) => {
  const warren = await serveCounters(t, { FAULTS: 'on' });
  const { url } = warren;
  const commits: string[] = [];
  const note = ({ headers }: Answer) => commits.push(headers.get('commit') ?? 'none');
  note(await post(url, '/counter/a/add'));
  note(await post(url, '/counter/a/refuse'));
  note(await post(url, '/counter/a/quiet'));
  note(await post(url, '/counter/a/add'));
  warren.kill('SIGUSR2');
  await warren.waitForLog(({ msg }) => /owner died/.test(String(msg)));
  note(await post(url, '/counter/a/add'));
  t.strictSame(commits, ['0.1.1', '0.1.1', '0.1.1', '0.1.2', '0.2.3']);
  t.equal((await ask(url, '/counter/a/get')).headers.get('commit'), null, 'a query has none');
  t.equal((await post(url, '/counter/a/throw')).headers.get('commit'), null, 'nor has a failure');
  const async = await serveCounters(t, { DURABILITY: 'async' });
  t.equal((await post(async.url, '/counter/a/add')).headers.get('commit'), null, 'nor what is not durable');
});

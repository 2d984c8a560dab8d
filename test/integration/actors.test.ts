/** Actors of one's own over HTTP: what a user of the service sees. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { ask, post } from '../support/json-client.js';
import type { LogLine } from '../support/log-tail.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

const startedAt = performance.now();
// One server for all: each test has keys of its own.
const server = await serveCounters(t);
const { url } = server;

t.test('a command answers with its reply, and a query with what is stored', async (t) => {
  t.match(await post(url, '/counter/k1a/add'), { status: 200, body: 1 });
  t.match(await post(url, '/counter/k1a/add'), { status: 200, body: 2 });
  t.match(await post(url, '/counter/k1b/add'), { status: 200, body: 1 }, 'each key has a state of its own');
  const read = await ask(url, '/counter/k1a/get');
  t.match(read, { status: 200, body: 2 });
  t.equal(read.headers.get('content-type'), 'application/json');
  t.equal(read.headers.get('cache-control'), 'no-store');
  const head = await fetch(`${url}/counter/k1a/get`, { method: 'HEAD' });
  t.equal(head.headers.get('content-length'), '1');
  t.match(await post(url, '/counter/k1a/quiet'), { status: 204, body: undefined });
  t.match(await post(url, '/counter/k1a/clear'), { status: 200, body: 'gone' });
  t.match(await ask(url, '/counter/k1a/get'), { status: 200, body: 0 }, 'a forgotten actor begins anew');
});

t.test('inputs are JSON bodies and search parameters, exactly as they were sent', async (t) => {
  const text = '{"a":[1,"ü – 漢字 🐇",null,true,1.5]}';
  t.strictSame((await post(url, '/counter/k2a/echo', text)).body, JSON.parse(text));
  t.strictSame((await post(url, '/counter/k2a/echo')).body, null, 'no body is no input');
  t.match(await post(url, '/counter/k2a/echo', '{'), { status: 400, body: { code: 'bad-input' } });
  t.match(await post(url, '/counter/k2a/echo', '[9007199254740993]'), {
    status: 400,
    body: { code: 'input-inexact' },
  });
  t.strictSame((await ask(url, '/counter/k2a/asked?x=1&y=%C3%BC')).body, {
    input: { x: '1', y: 'ü' },
    key: 'k2a',
  });
  t.strictSame((await ask(url, '/counter/k2a/asked')).body, { input: null, key: 'k2a' });
  const big = await fetch(`${url}/counter/k2a/add-big`, { method: 'POST' });
  t.equal(await big.text(), `{"big":1${'0'.repeat(30)},"n":1}`, 'a bigint is an exact JSON number');
});

t.test('every answer is UTF-8: a reply, a refusal, a problem, and each of them large', async (t) => {
  for (const text of ['ü', 'ü – 漢字', 'ü'.repeat(20_000)]) {
    const [body, name] = [JSON.stringify(text), text.slice(0, 10)];
    t.equal((await post(url, '/counter/k8a/echo', body)).body, text, `a reply with ${name}`);
    t.match(
      await post(url, '/counter/k8a/refuse-with', body),
      { status: 409, body: { details: text } },
      `a refusal with ${name}`,
    );
    const problem = await fetch(`${url}/counter/k8a/echo`, { method: 'POST', body: `{"${text}"` });
    t.equal(problem.status, 400);
    t.notMatch(await problem.text(), '\uFFFD', `a problem with ${name}`);
  }
});

t.test('a key is any text of 1 to 256 bytes of UTF-8', async (t) => {
  for (const key of ['ü', 'a b', 'a/b', '漢'.repeat(85), 'x'.repeat(256), '%', '🐇']) {
    const answer = await ask(url, `/counter/${encodeURIComponent(key)}/asked`);
    t.strictSame(answer.body, { input: null, key }, key.slice(0, 10));
  }
  t.match(await post(url, '/counter/k3%61/add'), { body: 1 });
  t.match(await post(url, '/counter/k3a/add'), { body: 2 }, 'two spellings are one key');
  for (const key of ['%FF', '%E0%A4', 'x'.repeat(257), '%F0%9F%90%87'.repeat(65)]) {
    t.match(
      await post(url, `/counter/${key}/add`),
      { status: 400, body: { code: 'key-invalid' } },
      key.slice(0, 10),
    );
  }
});

t.test('a refusal has the status, code and details of the actor', async (t) => {
  await post(url, '/counter/k4a/add');
  const { status, headers, body } = await post(url, '/counter/k4a/refuse');
  t.equal(status, 423);
  t.equal(headers.get('content-type'), 'application/problem+json');
  t.match(body, { code: 'no', details: { n: 1 }, status: 423 });
});

t.test('a behavior that fails changes nothing, and the owner lives on', async (t) => {
  await post(url, '/counter/k5a/add');
  for (const [command, why] of Object.entries({
    throw: /^counter.throw threw; the log of the server tells what$/,
    promise: /promise/i,
    nan: /NaN/,
    mutate: /^counter.mutate threw/,
  })) {
    for (let at = 0; at < 30; at++) {
      const answer = await post(url, `/counter/k5a/${command}`);
      if (at > 0 && answer.status === 500) continue;
      t.match(answer, { status: 500, body: { code: 'behavior-failed', detail: why } }, command);
    }
  }
  t.match(await post(url, '/counter/k5a/add'), { status: 200, body: 2 });
});

t.test(
  'what a behavior threw is in the log with its stack, once a minute for each message, and not in the answer',
  async (t) => {
    for (let at = 0; at < 10; at++)
      t.notMatch((await post(url, '/counter/k5b/throw')).body, { detail: /wants/ });
    const isThrow = ({ msg, message }: LogLine) => msg === 'a behavior failed' && message === 'counter.throw';
    t.match(await server.waitForLog(isThrow), {
      level: 50,
      failure: /^Error: as the test wants\n +at .*counter-actor/,
    });
    await post(url, '/counter/k5b/nan');
    await server.waitForLog(({ message }) => message === 'counter.nan');
    const minutes = 1 + (performance.now() - startedAt) / 60_000;
    t.ok(server.logs.filter(isThrow).length <= minutes);
  },
);

t.test(
  'a state that cannot be read stops its actor alone: the reason is in the log, and not in the answer',
  async (t) => {
    const folder = t.testdir();
    const module = async (version: string) => {
      const file = join(folder, `${version.length}.mjs`);
      await writeFile(
        file,
        `export default { name: "one", initial: 1, commands: { add: (n) => ({ state: n + 1, reply: n }) }, ${version} };`,
      );
      return file;
    };
    const old = await startWarren(t, { args: [await module('version: 1')] });
    await post(old.url, '/one/a/add');
    await old.stop();
    const env = { DATA_DIR: old.dataDir };
    const migrate = 'version: 2, migrate: { 1: () => { throw new Error("a secret".padEnd(5_000_000)); } }';
    const warren = await startWarren(t, { args: [await module(migrate)], env });
    for (let at = 0; at < 2; at++) {
      const { status, body } = await post(warren.url, '/one/a/add');
      t.match([status, body], [500, { code: 'state-unreadable' }]);
      t.notMatch(JSON.stringify(body), 'secret');
    }
    await warren.waitForLog(
      ({ msg, actor, reason }) =>
        /cannot be read/.test(`${msg}`) && actor === 'one/a' && /a secret/.test(`${reason}`),
    );
    t.match(await post(warren.url, '/one/b/add'), { status: 200, body: 1 });
  },
);

t.test('limits have an answer of their own, and nothing is lost', async (t) => {
  const padded = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));
  t.match(await post(url, '/counter/k6a/echo', padded(65_536)), { status: 200 });
  t.match(await post(url, '/counter/k6a/echo', padded(65_537)), {
    status: 413,
    body: { code: 'body-too-large' },
  });
  t.match(await post(url, '/counter/k6a/large', '{"bytes":1000000}'), { status: 200 });
  t.match(await post(url, '/counter/k6a/large', '{"bytes":1100000}'), {
    status: 500,
    body: { code: 'behavior-failed' },
  });
  t.match(await post(url, '/counter/k6a/store', '{"bytes":1000000}'), { status: 204 });
  t.match(await post(url, '/counter/k6a/store', '{"bytes":1100000}'), {
    status: 500,
    body: { code: 'behavior-failed' },
  });
  t.match(await post(url, '/counter/k6a/add'), { status: 200, body: 1 });
});

t.test('what is not served is told apart', async (t) => {
  t.match(await post(url, '/counter/k7a/unknown'), { status: 404 });
  t.match(await ask(url, '/other/a/get'), { status: 404 });
  t.match(await ask(url, '/next'), { status: 404 }, 'the sequence was not named');
  const wrong = await ask(url, '/counter/k7a/add');
  t.match(wrong, { status: 405 });
  t.equal(wrong.headers.get('allow'), 'POST');
  t.match(await post(url, '/counter/k7a/get'), { status: 405 });
  t.match(await ask(url, '/health'), { status: 200 });
  const { body } = await ask(url, '/openapi.json');
  t.ok((body as { paths: object }).paths['/counter/{key}/add' as never]);
});

t.test('with SERVING_TOKEN every path but /health and /ready asks for it', async (t) => {
  const token = 'a-token-of-some-length';
  const { url } = await serveCounters(t, { SERVING_TOKEN: token });
  t.match(await ask(url, '/health'), { status: 200 });
  t.match(await ask(url, '/ready'), { status: 200 });
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${token}` }]) {
    t.match(await ask(url, '/counter/a/get', { headers }), { status: 401 });
    t.match(await ask(url, '/openapi.json', { headers }), { status: 401 });
    t.match(await ask(url, '/nothing', { headers }), { status: 401 });
  }
  const headers = { authorization: `Bearer ${token}` };
  t.match(await ask(url, '/counter/a/get', { headers }), { status: 200, body: 0 });
});

t.test('a file on the command line may have a comma in its name', async (t) => {
  const file = join(t.testdir(), 'a,b.mjs');
  await writeFile(
    file,
    'export default { name: "one", initial: 1, commands: { add: (n) => ({ state: n + 1, reply: n }) } };',
  );
  const warren = await startWarren(t, { args: [file] });
  t.match(await post(warren.url, '/one/k/add'), { status: 200, body: 1 });
});

t.test('every mistake in a definition is told at the start, which then fails with 78', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'wrong.mjs');
  await writeFile(file, 'export default { name: "next", initial: 0, commands: { a: 1 }, colour: "red" };');
  const warren = await spawnWarren(t, { env: { ACTORS: file } });
  const { code } = await warren.exited;
  const { output } = warren;
  t.equal(code, 78);
  for (const word of ['reserved', 'command a', 'colour']) t.match(output, word);
});

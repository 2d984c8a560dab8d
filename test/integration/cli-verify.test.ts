/** `warren verify` on the real server, and on servers with a flaw each. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { counter } from '../../src/verify/subject.js';
import { runTrial } from '../../src/verify/trial.js';
import { serveCounters } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const forged = new URL('../support/fixtures/forged-server.js', import.meta.url);
const SHORT = ['--yes', '--seconds', '1', '--clients', '8'];

t.test('the real server is linearizable, and the verdict comes with its figures', async (t) => {
  const { url } = await startWarren(t);
  const { code, output } = await runCli(t, ['verify', url, ...SHORT, '--seed', '7']);
  t.equal(code, 0, output);
  t.match(output, /^LINEARIZABLE: [\d,]+ numbers in one order, none missing; [\d,]+ reads agree$/m);
  t.match(output, /seed 7/);
  t.match(output, /requests .* a second/);
  t.match(output, /p50 .* ms {3}p90 .* ms/);
  t.match(output, /up to .* ms █+/);
});

t.test('a machine reads the same as JSON', async (t) => {
  const { url } = await startWarren(t);
  const { code, output } = await runCli(t, ['verify', url, ...SHORT, '--json']);
  t.equal(code, 0);
  const result = JSON.parse(output);
  t.match(result, { passed: true, firstIndex: 0, verdict: { ok: true }, answers: { 200: Number } });
  t.equal(result.lastIndex, result.verdict.stats.nexts);
});

for (const [flaw, verdict] of [
  ['repeat', /^NOT LINEARIZABLE: (repeat|order|stale-read)/],
  ['skip', /^NOT LINEARIZABLE: (gap|from-the-future)/],
  ['stale', /^NOT LINEARIZABLE: stale-read/],
  ['value', /^WRONG ANSWERS\n.*index 5 with the body/],
] as const) {
  t.test(`a server with the flaw "${flaw}" fails`, async (t) => {
    const { url } = await startWarren(t, { entry: forged, env: { FLAW: flaw } });
    const { code, output } = await runCli(t, ['verify', url, ...SHORT]);
    t.equal(code, 1, output);
    t.match(output, verdict);
  });
}

t.test('a command of an actor whose reply is a number, or holds one, is judged the same', async (t) => {
  const { url } = await serveCounters(t);
  const plain = await runCli(t, ['verify', url, ...SHORT, '--counter', '/counter/a%20b/add', '--json']);
  t.equal(plain.code, 0, plain.output);
  const { firstIndex, lastIndex, verdict } = JSON.parse(plain.output);
  t.equal(firstIndex, 1, 'where it stood was told by the first number');
  t.equal(lastIndex, 1 + verdict.stats.nexts, 'each number is in the record, the last one too');
  t.match(verdict, { ok: true, stats: { gaps: 0, reads: 0 } });

  const member = await runCli(t, [
    'verify',
    url,
    ...SHORT,
    ...['--counter', '/counter/b/add-big', '--member', 'n', '--body', '{"x":1}'],
  ]);
  t.equal(member.code, 0, member.output);
  t.match(member.output, /^LINEARIZABLE: [\d,]+ numbers in one order, none missing$/m);
  t.match(member.output, /^counter +from 1 to/m);
});

t.test('the numbers that are taken to close a window are part of the record', async (t) => {
  const { url } = await serveCounters(t);
  const subject = counter({ path: '/counter/a/add' });
  const load = {
    url,
    subject,
    clients: 4,
    durationMs: 60_000,
    operations: 400,
    windowOperations: 50,
    seed: 1,
  };
  for (const shared of [false, true]) {
    const { verdict, windows, firstIndex, lastIndex } = await runTrial({ ...load, shared });
    t.match(verdict, { ok: true, stats: { gaps: 0, nexts: Number(lastIndex) - firstIndex } });
    t.ok(windows > 3, `${windows} windows`);
  }
});

for (const [flaw, verdict] of [
  ['repeat', /^NOT LINEARIZABLE: (repeat|order)/],
  ['skip', /^NOT LINEARIZABLE: gap/],
] as const) {
  t.test(`an actor with the flaw "${flaw}" fails`, async (t) => {
    const { url } = await startWarren(t, { entry: forged, env: { FLAW: flaw } });
    const { code, output } = await runCli(t, ['verify', url, ...SHORT, '--counter', '/counter/add']);
    t.equal(code, 1, output);
    t.match(output, verdict);
  });
}

t.test('what is no counter is told, and no verdict', async (t) => {
  const { url } = await serveCounters(t);
  for (const [path, more, said] of [
    ['/counter/a/quiet', [], /No verdict: .*\/counter\/a\/quiet answered 204/],
    ['/counter/a/nothing', [], /No verdict: .* answered 404 not-found/],
    ['/counter/a/add-big', [], /No verdict: .*no number: 200 with the body \{"big"/],
    ['/counter/a/add-big', ['--member', 'toString'], /No verdict: .*no number as its member "toString"/],
    ['/counter/a/add-big', ['--member', 'big'], /No verdict: .*no number as its member "big"/],
  ] as const) {
    t.match(await runCli(t, ['verify', url, ...SHORT, '--counter', path, ...more]), {
      code: 1,
      output: said,
    });
  }
  for (const args of [
    ['--counter', 'counter/a/add'],
    ['--counter', '/counter/a b/add'],
    ['--counter', '/a/b/c', '--body', '{'],
    ['--member', 'n'],
  ]) {
    t.equal((await runCli(t, ['verify', url, '--yes', ...args])).code, 2, args.join(' '));
  }
  t.match(await runCli(t, ['verify', url, '--counter', '/counter/a/add']), {
    code: 2,
    output: /advances the counter \/counter\/a\/add at .*--yes/s,
  });
});

t.test('numbers that others have taken are excused only when they are expected', async (t) => {
  const { url } = await startWarren(t);
  const end = new AbortController();
  t.teardown(() => end.abort());
  const others = recordHistory({ url, clients: 2, seed: 1, signal: end.signal });
  const strict = await runCli(t, ['verify', url, ...SHORT]);
  t.equal(strict.code, 1);
  t.match(strict.output, /--shared/);
  const shared = await runCli(t, ['verify', url, ...SHORT, '--shared']);
  t.equal(shared.code, 0, shared.output);
  t.match(shared.output, /missing and explained/);
  end.abort();
  await others;
});

t.test('being shared excuses no repeated number', async (t) => {
  const { url } = await startWarren(t, { entry: forged, env: { FLAW: 'repeat' } });
  t.equal((await runCli(t, ['verify', url, ...SHORT, '--shared'])).code, 1);
});

t.test('nothing is moved without a word when nobody is there to ask', async (t) => {
  const { url } = await startWarren(t);
  const { code, output } = await runCli(t, ['verify', url]);
  t.equal(code, 2);
  t.match(output, /advances the sequence[\s\S]*--yes/);
  t.equal((await get(url, '/current')).body, '{"current": 0}');
});

t.test('a mistake on the command line is named, with exit code 2', async (t) => {
  for (const args of [
    [],
    ['verify'],
    ['verify', 'localhost:8080'],
    ['verify', 'http://[', '--yes'],
    ['nonsense'],
  ]) {
    t.equal((await runCli(t, args)).code, 2, args.join(' '));
  }
  const { code, output } = await runCli(t, ['verify', 'http://127.0.0.1:1', '--clients', '0']);
  t.equal(code, 2);
  t.match(output, /--clients must be an integer/);
  t.equal((await runCli(t, ['verify', 'http://127.0.0.1:1', '--no-such'])).code, 2);
});

t.test('help is an answer, not a mistake', async (t) => {
  for (const args of [['help'], ['-h'], ['--help']]) {
    t.match(await runCli(t, args), { code: 0, output: /^usage: warren COMMAND/ }, args.join(' '));
  }
  for (const flag of ['-h', '--help']) {
    t.match(await runCli(t, ['verify', flag]), { code: 0, output: /^usage: warren verify URL/ }, flag);
    t.match(await runCli(t, ['set-index', flag]), { code: 0, output: /^usage: warren inspect/ }, flag);
    t.match(await runCli(t, ['serve', flag]), { code: 0, output: /^usage: warren serve \[/m }, flag);
  }
});

t.test('a deployment that is not there is no verdict', async (t) => {
  const { code, output } = await runCli(t, ['verify', 'http://127.0.0.1:1', ...SHORT]);
  t.equal(code, 1);
  t.match(output, /^No verdict: .*ECONNREFUSED/);
});

/** In front of the real server: what `answer` leaves alone is passed on. */
async function startProxy(
  t: Test,
  target: string,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<string> {
  const proxy = createServer((request, response) => {
    if (answer(request, response)) return;
    get(target, request.url ?? '/', { method: request.method ?? 'GET' }).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.writeHead(502).end(),
    );
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

t.test('credentials of the address are sent with each request, and never printed', async (t) => {
  const { url } = await startWarren(t);
  const seen = new Set<string | undefined>();
  const address = await startProxy(t, url, ({ headers }, response) => {
    seen.add(headers.authorization);
    if (headers.authorization === `Basic ${Buffer.from('ann:s3cr3t/word').toString('base64')}`) return false;
    response.writeHead(401).end();
    return true;
  });
  const withPassword = `http://ann:s3cr3t%2Fword@${address}/`;
  for (const more of [[], ['--json']]) {
    const { code, output } = await runCli(t, ['verify', withPassword, ...SHORT, ...more]);
    t.equal(code, 0, output);
    t.notMatch(output, /s3cr3t/);
  }
  t.equal(seen.size, 1, 'every request has them');
  const asked = await runCli(t, ['verify', withPassword]);
  t.match(asked, { code: 2, output: new RegExp(address) });
  t.notMatch(asked.output, /s3cr3t/);
  const refused = await runCli(t, ['verify', `http://ann:wr0ng@${address}`, ...SHORT]);
  t.match(refused, { code: 1, output: /No verdict: .*401/ });
  t.notMatch(refused.output, /wr0ng/);
});

t.test('a bearer token comes from the environment', async (t) => {
  const { url } = await startWarren(t);
  const address = await startProxy(t, url, ({ headers }, response) => {
    if (headers.authorization === 'Bearer the-token') return false;
    response.writeHead(401).end();
    return true;
  });
  const env = { WARREN_BEARER_TOKEN: 'the-token' };
  const { code, output } = await runCli(t, ['verify', `http://${address}`, ...SHORT], env);
  t.equal(code, 0, output);
  t.notMatch(output, /the-token/);
  t.equal((await runCli(t, ['verify', `http://a:b@${address}`, ...SHORT], env)).code, 2, 'both at once');
});

t.test(
  'a proxy that answers 502 leaves the outcome unknown, and the record is judged all the same',
  async (t) => {
    const { url } = await startWarren(t);
    let requests = 0;
    let down = false;
    const address = await startProxy(t, url, (_, response) => {
      requests += 1;
      if (requests > 24) down = true;
      // Some on the way, and all from then on, the last read too.
      if (!down && (requests < 6 || requests % 5 !== 0)) return false;
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
      return true;
    });
    const longer = ['--yes', '--seconds', '8', '--clients', '8'];
    const { code, output } = await runCli(t, ['verify', `http://${address}`, ...longer]);
    t.equal(code, 0, output);
    t.match(output, /^LINEARIZABLE: [1-9]/m);
    t.match(output, /× 502/);
    t.match(output, /judged without/);
  },
);

/** `warren list`, `inspect`, `export`, `set` and `forget` on actors of real servers: beside them, and after them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ready, serveCounters } from '../support/actor-server.js';
import { ChildHandle } from '../support/child-handle.js';
import { runCli } from '../support/cli-process.js';
import { CounterLoad } from '../support/counter-load.js';
import { ask, post } from '../support/json-client.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import type { ServerEnv, WarrenProcess } from '../support/warren-process.js';

const CLI = new URL('../../src/cli/warren.js', import.meta.url).pathname;
const COUNTERS = new URL('../support/fixtures/counter-actor.js', import.meta.url).pathname;

/** What the command line needs to find the server. */
function envOf(warren: WarrenProcess, env: ServerEnv = {}): Record<string, string> {
  const store =
    Object.hasOwn(env, 'STORE') || Object.hasOwn(env, 'REDIS_URL') ? {} : { DATA_DIR: warren.dataDir };
  return { ...store, ...env, ACTORS: COUNTERS, ADMIN_HOST_PORT: new URL(warren.adminUrl).host };
}

async function succeeds(t: Test, args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, output } = await runCli(t, args, env);
  t.equal(code, 0, `${args.join(' ')}: ${output}`);
  return output;
}

const linesOf = (output: string) =>
  output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** A store lists in an order of its own, and the clocks go on. */
function inOrder(output: string): string[] {
  return output
    .replace(/"clock":\d+,"served":\d+/, '')
    .split('\n')
    .sort();
}

for (const kind of ['level', 'redis'] as const) {
  t.test(`${kind}: a running server and its store say the same of the actors`, async (t) => {
    const place: ServerEnv = kind === 'redis' ? { REDIS_URL: (await startRedis(t)).url } : {};
    const warren = await serveCounters(t, { ...place, ADMIN_HOST_PORT: '127.0.0.1:0' });
    const env = envOf(warren, place);
    for (const key of ['berlin', 'bern', 'bern', 'a%20b', '%F0%9F%82%A1%2F', 'gone']) {
      await post(warren.url, `/counter/${key}/add`);
    }
    await post(warren.url, '/counter/gone/clear');
    const commands = [
      ['list'],
      ['list', 'counter'],
      ['list', 'counter', '--prefix', 'ber'],
      ['inspect', 'counter', '🂡/'],
      ['inspect', 'counter', 'bern'],
      ['export'],
    ];
    const beside = [];
    for (const args of commands) beside.push(await succeeds(t, args, env));
    t.match(linesOf(beside[0] ?? ''), [{ actor: 'counter', count: 4 }]);
    const keys = linesOf(beside[1] ?? '').map(({ key }) => key);
    t.strictSame(keys.sort(), ['a b', 'bern', 'berlin', '🂡/'].sort());
    t.strictSame(
      linesOf(beside[2] ?? '')
        .map(({ key }) => key)
        .sort(),
      ['berlin', 'bern'].sort(),
    );
    t.match(JSON.parse(beside[3] ?? ''), { actor: 'counter', key: '🂡/', version: 1, state: { n: 1 } });
    t.match(JSON.parse(beside[4] ?? ''), { state: { n: 2 }, commit: '0.1.3' });
    t.match(await runCli(t, ['inspect', 'counter', 'gone'], env), { code: 1, output: /has no state/ });
    await warren.stop();
    for (const [at, args] of commands.entries()) {
      t.strictSame(inOrder(await succeeds(t, args, env)), inOrder(beside[at] ?? ''), args.join(' '));
    }
  });

  t.test(
    `${kind}: an edit beside a running server is durable, also when that is killed at once`,
    async (t) => {
      const place: ServerEnv = kind === 'redis' ? { REDIS_URL: (await startRedis(t)).url } : {};
      const warren = await serveCounters(t, { ...place, ADMIN_HOST_PORT: '127.0.0.1:0' });
      const env = envOf(warren, place);
      await post(warren.url, '/counter/a/add');
      await post(warren.url, '/counter/b/add');
      const { commit } = JSON.parse(
        await succeeds(t, ['set', 'counter', 'a', '{"n":41,"big":{"$bigint":"-ff"}}'], env),
      );
      t.match(commit, /^0\.1\.\d+$/);
      t.equal((await post(warren.url, '/counter/a/add')).body, 42);
      await succeeds(t, ['forget', 'counter', 'b'], env);
      await succeeds(t, ['set', 'counter', 'c', '{"n":7}', '--if', 'none'], env);
      warren.kill();
      await warren.exited;
      const again = await warren.again();
      await ready(again);
      for (const [key, value] of [
        ['a', 42],
        ['b', 0],
        ['c', 7],
      ] as const) {
        t.equal((await ask(again.url, `/counter/${key}/get`)).body, value, key);
      }
    },
  );
}

t.test('a memory store is known to its server alone', async (t) => {
  const warren = await serveCounters(t, { STORE: 'memory', ADMIN_HOST_PORT: '127.0.0.1:0' });
  const env = envOf(warren, { STORE: 'memory' });
  await post(warren.url, '/counter/a/add');
  t.match(await succeeds(t, ['list'], env), /"count":1/);
  await succeeds(t, ['set', 'counter', 'a', '{"n":9}'], env);
  t.match(await succeeds(t, ['export'], env), /"state":\{"n":9\}.*"end","lines":1/s);
  await warren.stop();
  t.match(await runCli(t, ['list'], env), { code: 1, output: /Only its server/ });
});

t.test('an edit takes its turn among the commands: none is lost, none counts twice', async (t) => {
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
  const env = envOf(warren);
  const FAR = 1_000_000;
  let over = false;
  const replies: number[] = [];
  const clients = Array.from({ length: 8 }, async () => {
    while (!over) replies.push(Number((await post(warren.url, '/counter/a/add')).body));
  });
  while (replies.length < 100) await pause();
  await succeeds(t, ['set', 'counter', 'a', `{"n":${FAR}}`], env);
  const until = replies.length + 100;
  while (replies.length < until) await pause();
  over = true;
  await Promise.all(clients);
  t.equal(new Set(replies).size, replies.length, 'no reply came twice');
  const after = replies.filter((n) => n > FAR);
  const before = replies.filter((n) => n <= FAR);
  t.equal(Math.max(...before), before.length);
  t.equal((await ask(warren.url, '/counter/a/get')).body, FAR + after.length);
});

t.test('--if refuses an edit of what somebody else has changed, with code 3', async (t) => {
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
  const env = envOf(warren);
  await post(warren.url, '/counter/a/add');
  for (const running of [true, false]) {
    if (!running) await warren.stop();
    const { commit } = JSON.parse(await succeeds(t, ['inspect', 'counter', 'a'], env));
    const other = {
      code: 3,
      output: new RegExp(`last commit is ${commit.replaceAll('.', '\\.')}\\. Nothing was done`),
    };
    t.match(await runCli(t, ['set', 'counter', 'a', '{"n":5}', '--if', '0.1.99'], env), other);
    t.match(await runCli(t, ['forget', 'counter', 'a', '--if', 'none'], env), other);
    const { commit: next } = JSON.parse(
      await succeeds(t, ['set', 'counter', 'a', '{"n":5}', '--if', commit], env),
    );
    t.match(JSON.parse(await succeeds(t, ['inspect', 'counter', 'a'], env)), {
      commit: next,
      state: { n: 5 },
    });
    t.match(await runCli(t, ['set', 'counter', 'new', '{"n":5}', '--if', next], env), {
      code: 3,
      output: /commit is none/,
    });
    await succeeds(t, ['set', 'counter', running ? 'b' : 'c', '{"n":5}', '--if', 'none'], env);
  }
});

t.test('what is no state is refused with a sentence, and changes nothing', async (t) => {
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0', STATE_LIMIT_KB: '1' });
  const env = { ...envOf(warren), STATE_LIMIT_KB: '1' };
  await post(warren.url, '/counter/a/add');
  const cases: [state: string, said: RegExp][] = [
    ['{"n":1', /not JSON/],
    ['{"n":12345678901234567890}', /no exact double/],
    ['{"$bigint":"xyz"}', /hexadecimal/],
    [JSON.stringify('x'.repeat(2_000)), /larger than 1024 bytes/],
    [`${'['.repeat(300)}${']'.repeat(300)}`, /nested deeper/],
  ];
  for (const running of [true, false]) {
    if (!running) await warren.stop();
    for (const [state, said] of cases) {
      t.match(
        await runCli(t, ['set', 'counter', 'a', state], env),
        { code: 1, output: said },
        state.slice(0, 30),
      );
    }
    t.match(JSON.parse(await succeeds(t, ['inspect', 'counter', 'a'], env)), {
      commit: '0.1.1',
      state: { n: 1 },
    });
  }
  for (const args of [
    ['set', 'counter', 'a'],
    ['forget', 'counter'],
    ['list', '--prefix', 'x'],
    ['set', 'counter', '', '1'],
    ['set', 'fibonacci', '', '1'],
    ['forget', 'counter', 'a', '--if', 'never'],
  ]) {
    t.match(await runCli(t, args, env), { code: 2 }, args.join(' '));
  }
});

t.test('an edit mends a state that cannot be read', async (t) => {
  const redis = await startRedis(t);
  const { Redis } = await import('ioredis');
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  const place = { REDIS_URL: redis.url };
  const warren = await serveCounters(t, { ...place, ADMIN_HOST_PORT: '127.0.0.1:0' });
  await admin.hset('warren:{0}:actors', 'counter/a', 'damaged');
  t.match(await ask(warren.url, '/counter/a/get'), { status: 500, body: { code: 'state-unreadable' } });
  const env = envOf(warren, place);
  t.match(JSON.parse(await succeeds(t, ['inspect', 'counter', 'a'], env)), { unreadable: /damaged/ });
  t.match(await succeeds(t, ['export'], env), /"damaged":"damaged"/);
  await succeeds(t, ['set', 'counter', 'a', '{"n":3}'], env);
  t.equal((await post(warren.url, '/counter/a/add')).body, 4);
});

t.test('a server of another store is never asked', async (t) => {
  const one = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
  await post(one.url, '/counter/a/add');
  const DATA_DIR = join(t.testdir(), 'other');
  for (const args of [['list'], ['export'], ['set', 'counter', 'a', '{"n":1}']]) {
    const refused = await runCli(t, args, { ...envOf(one), DATA_DIR });
    t.match(
      refused,
      { code: 1, output: /The server at ADMIN_HOST_PORT serves .*the environment names .*other/ },
      args.join(' '),
    );
  }
  t.equal((await ask(one.url, '/counter/a/get')).body, 1);
});

t.test('a server whose token is not known is not read', async (t) => {
  const token = 'a-token-of-the-admin';
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0', ADMIN_TOKEN: token });
  await post(warren.url, '/counter/a/add');
  t.match(await runCli(t, ['list'], envOf(warren)), { code: 1, output: /set ADMIN_TOKEN/ });
  t.match(await succeeds(t, ['list'], { ...envOf(warren), ADMIN_TOKEN: token }), /"count":1/);
});

t.test(
  'an export under load has what was acknowledged before it, and the load notices nothing',
  async (t) => {
    const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
    const env = envOf(warren);
    const load = new CounterLoad({ url: warren.url, clients: 8, keys: 5 });
    await load.more(100);
    for (let round = 1; round <= 3; round++) {
      const least = load.acknowledged;
      const lines = linesOf(await succeeds(t, ['export'], env));
      const states = lines.filter(({ state }) => state);
      t.match([lines.at(0), lines.at(-1)], [{ warren: 'export' }, { warren: 'end', lines: states.length }]);
      const sum = states.reduce((all, { state }) => all + state.n, 0);
      t.ok(sum >= least, `${sum} is at least ${least}`);
      const [header] = lines;
      const version = (commit: string) => Number(commit.split('.')[2]);
      t.ok(
        states.every(({ commit }) => version(commit) <= version(header.commit)),
        'a cut across all actors',
      );
      await load.more(50);
    }
    await load.end();
    await load.judge();
    t.equal(load.others.size, 0);
  },
);

t.test('an export whose reader is gone ends with a sentence, and the server goes on', async (t) => {
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0', STATE_LIMIT_KB: '1024' });
  for (let key = 0; key < 10; key++) await post(warren.url, `/counter/k${key}/store`, '{"bytes":1000000}');
  const script = `"${process.execPath}" "${CLI}" export | head -c 10; echo " exit \${PIPESTATUS[0]}"`;
  const child = await ChildHandle.spawn({
    command: '/bin/bash',
    args: ['-c', script],
    env: envOf(warren),
  });
  t.teardown(async () => void (await child.end()));
  await child.exited;
  t.match(child.output, /Standard output: .*EPIPE/);
  t.match(child.output, /exit 1/);
  t.equal((await post(warren.url, '/counter/a/add')).body, 1);
  t.notMatch(warren.output, /MaxListeners/);
});

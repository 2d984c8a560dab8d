/** `warren export` and `warren import`: all or nothing, from one kind of store to the other and back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { ready, serveCounters } from '../support/actor-server.js';
import { ChildHandle } from '../support/child-handle.js';
import { runCli } from '../support/cli-process.js';
import { ask, post } from '../support/json-client.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import { spawnWarren } from '../support/warren-process.js';

const CLI = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));

type Env = Record<string, string>;

/** The lines, in an order of their own: stores have theirs. */
async function exported(t: Test, env: Env): Promise<string[]> {
  const { code, output } = await runCli(t, ['export'], env);
  t.equal(code, 0, output);
  return output.trimEnd().split('\n');
}

async function imported(t: Test, file: string, env: Env): Promise<void> {
  const { code, output } = await runCli(t, ['import', file], env);
  t.equal(code, 0, output);
}

/** What an export says of actors. An actor without a state may be called gone in it. */
function contentOf(lines: readonly string[]): string[] {
  return lines
    .slice(1, -1)
    .filter((line) => !line.includes('"gone":true'))
    .sort();
}

/** States, records of living and of forgotten actors, and what cannot be read. */
function sampleExport(): string[] {
  const window = '000000003600000/000000000000003';
  const record = (text: string) => {
    const head = '1 1 0 0.3.5 0123456789012345678901';
    return `${head} ${crc32(text, crc32(head)).toString(16).padStart(8, '0')} ${text}`;
  };
  const keys = ['k1', '7f3a-!~'];
  const ids = ['counter/a b', 'counter/gone'].flatMap((actor) =>
    keys.map((key) => `~record/${actor} ${key}`),
  );
  const lines = [
    JSON.stringify({ window, records: ids }),
    '{"actor":"counter","key":"a b","commit":"0.3.5","version":1,"state":{"n":3,"big":{"$bigint":"-ff"}}}',
    '{"actor":"counter","key":"ü🂡\\n/","commit":"0.2.4","version":1,"state":{"n":1}}',
    '{"actor":"counter","key":"broken","damaged":"no state \\u0000"}',
    '{"actor":"fibonacci","key":"","commit":"0.3.1","version":1,"state":12}',
    ...['a b', 'gone'].flatMap((key) =>
      keys.map((idempotencyKey) =>
        JSON.stringify({
          actor: 'counter',
          key,
          idempotencyKey,
          commit: '0.3.5',
          record: record('{"n":12345678901234567890}'),
        }),
      ),
    ),
  ];
  return [
    '{"warren":"export","format":1,"store":"old","commit":"0.3.7","clock":1700000000000,"served":7000000}',
    ...lines,
    `{"warren":"end","lines":${lines.length}}`,
  ];
}

t.test('a store moves from LevelDB to Redis and back, and nothing of it changes', async (t) => {
  const folder = t.testdir();
  const redis = await startRedis(t);
  const file = join(folder, 'export.jsonl');
  writeFileSync(file, `${sampleExport().join('\n')}\n`);
  const places: Env[] = [
    { DATA_DIR: join(folder, 'one') },
    { REDIS_URL: redis.url },
    { DATA_DIR: join(folder, 'two') },
  ];
  for (const place of places) {
    const env = { ...place, ADMIN_HOST_PORT: '' };
    await imported(t, file, env);
    const lines = await exported(t, env);
    t.strictSame(contentOf(lines), contentOf(sampleExport()));
    t.match(JSON.parse(lines.at(-1) ?? ''), { warren: 'end', lines: lines.length - 2 });
    t.match(
      JSON.parse(lines[0] ?? ''),
      { clock: 1700000000000, served: 7000000, commit: /^0\.1003\.8$/ },
      'later than all that it holds',
    );
    writeFileSync(file, `${lines.join('\n')}\n`.replace(/0\.1003\.8/, '0.3.7'));
  }
});

t.test('an imported store is served, by an epoch above the old ones', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'export.jsonl');
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
  for (let n = 0; n < 3; n++) await post(warren.url, '/counter/a/add');
  const lines = await exported(t, {
    DATA_DIR: warren.dataDir,
    ADMIN_HOST_PORT: new URL(warren.adminUrl).host,
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  const redis = await startRedis(t);
  await imported(t, file, { REDIS_URL: redis.url });
  const moved = await serveCounters(t, { REDIS_URL: redis.url });
  const { epoch, origin } = await moved.waitForLog(({ msg }) => msg === 'serving');
  t.ok(Number(epoch) > 1, `epoch ${epoch}`);
  t.equal(origin, 'stored');
  t.equal((await post(moved.url, '/counter/a/add')).body, 4);
});

t.test('a retry of a command is answered from the imported store as it was from the first', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'export.jsonl');
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0' });
  const add = (url: string, path: string) =>
    ask(url, path, { method: 'POST', headers: { 'Idempotency-Key': '7f3a' } });
  for (const key of ['a', 'gone']) t.equal((await add(warren.url, `/counter/${key}/add`)).body, 1);
  const env = { DATA_DIR: warren.dataDir, ADMIN_HOST_PORT: new URL(warren.adminUrl).host };
  t.match(await runCli(t, ['forget', 'counter', 'gone'], env), { code: 0 });
  writeFileSync(file, `${(await exported(t, env)).join('\n')}\n`);
  const redis = await startRedis(t);
  await imported(t, file, { REDIS_URL: redis.url });
  const moved = await serveCounters(t, { REDIS_URL: redis.url });
  for (const { url } of [warren, moved]) {
    for (const key of ['a', 'gone']) {
      const { body, headers } = await add(url, `/counter/${key}/add`);
      t.equal(body, 1, key);
      t.equal(headers.get('idempotency-replayed'), 'true', key);
    }
    t.equal((await ask(url, '/counter/a/get')).body, 1);
    t.equal((await ask(url, '/counter/gone/get')).body, 0, 'it stays forgotten');
  }
});

t.test('a store that holds anything is refused, and stays as it is', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'export.jsonl');
  writeFileSync(file, `${sampleExport().join('\n')}\n`);
  const redis = await startRedis(t);
  for (const place of [{ DATA_DIR: join(folder, 'data') }, { REDIS_URL: redis.url }] as Env[]) {
    const env = { ...place, ADMIN_HOST_PORT: '' };
    await imported(t, file, env);
    const before = await exported(t, env);
    for (const args of [
      ['import', file],
      ['import', file, '--again'],
    ]) {
      t.match(await runCli(t, args, env), { code: 1, output: /is not empty: it holds commit 0\.1003\.8/ });
    }
    t.strictSame((await exported(t, env)).sort(), before.sort());
  }
});

t.test('a file that is no whole export leaves no store that is served', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'export.jsonl');
  const whole = sampleExport();
  const cases: [what: string, lines: string[], said: RegExp, isBegun: boolean][] = [
    ['empty', [], /ends before the export does/, false],
    ['something else', ['{"a":1}'], /Line 1/, false],
    ['of another format', [whole[0]?.replace('"format":1', '"format":9') ?? ''], /format 9/, false],
    ['cut', whole.slice(0, -1), /ends before the export does/, true],
    ['one line short', [...whole.slice(0, 2), ...whole.slice(3)], /had 9 lines, and the file has 8/, true],
    ['damaged', [...whole.slice(0, 2), '{"actor":', ...whole.slice(2)], /Line 3: it is no JSON/, true],
    [
      'with a state of no kind',
      [...whole.slice(0, 2), '{"actor":"a","key":"b","commit":"0.1.1","version":1,"state":{"$bigint":"z"}}'],
      /Line 3: .*hexadecimal/,
      true,
    ],
    ['two exports', [...whole, ...whole], /comes after the end/, true],
  ];
  for (const [what, lines, said, isBegun] of cases) {
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    const env = { DATA_DIR: join(folder, what), ADMIN_HOST_PORT: '' };
    t.match(await runCli(t, ['import', file], env), { code: 1, output: said }, what);
    if (!isBegun) continue;
    t.match(await runCli(t, ['import', file], env), { code: 1, output: /was not finished.*--again/ }, what);
  }
  const env = { DATA_DIR: join(folder, 'cut'), ADMIN_HOST_PORT: '' };
  const refused = await spawnWarren(t, { env });
  t.equal((await refused.exited).code, 1);
  t.match(refused.logs.at(-1), { code: 'store-halted', msg: /import into this store was not finished/ });
  t.match(await runCli(t, ['import', join(folder, 'never')], { DATA_DIR: join(folder, 'x') }), {
    code: 1,
    output: /cannot be read/,
  });
});

for (const kind of ['level', 'redis'] as const) {
  t.test(`${kind}: an import that was killed is refused, and one more try begins anew`, async (t) => {
    const folder = t.testdir();
    const file = join(folder, 'export.jsonl');
    const few = join(folder, 'few.jsonl');
    const sample = sampleExport();
    writeFileSync(few, `${sample.join('\n')}\n`);
    const many = Array.from({ length: 30_000 }, (_, at) =>
      JSON.stringify({ actor: 'counter', key: `k${at}`, commit: '0.3.5', version: 1, state: { n: at } }),
    );
    const lines = [...sample.slice(0, -1), ...many];
    writeFileSync(file, `${[...lines, `{"warren":"end","lines":${lines.length - 1}}`].join('\n')}\n`);
    const place: Env =
      kind === 'redis' ? { REDIS_URL: (await startRedis(t)).url } : { DATA_DIR: join(folder, 'data') };
    // The renewals of one fence tell how far it is.
    const env = { ...place, ADMIN_HOST_PORT: '', SHARDS: '1' };
    // A reader that never ends: the import has all lines but the last.
    const fed = `{ head -n -1 "${file}"; sleep 600; } | exec "${process.execPath}" "${CLI}" import -`;
    const child = await ChildHandle.spawn({ command: '/bin/sh', args: ['-c', `echo $$; ${fed}`], env });
    t.teardown(async () => void (await child.end()));
    const halfway = async () => (await runCli(t, ['inspect'], env)).output;
    while (!/"renewal": (2\d|[3-9]\d)/.test(await halfway()))
      if (!child.running) throw new Error(child.output);
    await killTree(t, child.pid);
    await child.exited;
    t.match(await runCli(t, ['import', few], env), { code: 1, output: /was not finished/ });
    if (kind === 'redis') {
      t.match(await runCli(t, ['accept-loss', '--yes'], env), { code: 1, output: /was not finished/ });
    }
    t.match(await runCli(t, ['import', few, '--again'], env), { code: 0 });
    t.strictSame(contentOf(await exported(t, env)), contentOf(sample), 'nothing is left of the first');
  });
}

t.test('an instance that knew the old store is fenced off by an import under it', async (t) => {
  const redis = await startRedis(t);
  const place = { REDIS_URL: redis.url };
  const warren = await serveCounters(t, { ...place, ADMIN_HOST_PORT: '127.0.0.1:0', LEASE_MS: '500' });
  await post(warren.url, '/counter/a/add');
  const file = join(t.testdir(), 'export.jsonl');
  writeFileSync(file, `${(await exported(t, { ...place, ADMIN_HOST_PORT: '' })).join('\n')}\n`);
  for (let n = 0; n < 5; n++) await post(warren.url, '/counter/a/add');
  warren.kill('SIGSTOP');
  const { Redis } = await import('ioredis');
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  await admin.flushall();
  await imported(t, file, { ...place, ADMIN_HOST_PORT: '' });
  warren.kill('SIGCONT');
  await ready(warren);
  t.equal(
    (await ask(warren.url, '/counter/a/get')).body,
    1,
    'it serves what was imported, and writes nothing of its own over it',
  );
});

t.test('an export that is broken off says so, and is no export', async (t) => {
  const folder = t.testdir();
  const warren = await serveCounters(t, { ADMIN_HOST_PORT: '127.0.0.1:0', STATE_LIMIT_KB: '1024' });
  for (let key = 0; key < 40; key++) await post(warren.url, `/counter/k${key}/store`, '{"bytes":1000000}');
  const file = join(folder, 'export.jsonl');
  const env = { DATA_DIR: warren.dataDir, ADMIN_HOST_PORT: new URL(warren.adminUrl).host };
  // A reader that takes a little, waits until the server is gone, and takes the rest.
  const script = `"${process.execPath}" "${CLI}" export | { head -c 1000000; echo began >&2; while [ ! -e "${folder}/go" ]; do sleep 0.05; done; cat; } > "${file}"; echo "exit \${PIPESTATUS[0]}"`;
  const child = await ChildHandle.spawn({ command: '/bin/bash', args: ['-c', script], env });
  t.teardown(async () => void (await child.end()));
  while (!child.output.includes('began') && child.running) await pause();
  warren.kill();
  await warren.exited;
  writeFileSync(join(folder, 'go'), '');
  await child.exited;
  t.match(child.output, /broken the export off.*exit 1/s);
  t.notMatch(readFileSync(file, 'utf8').slice(-100), /"warren":"end"/);
  t.match(await runCli(t, ['import', file], { DATA_DIR: join(folder, 'new'), ADMIN_HOST_PORT: '' }), {
    code: 1,
  });
});

/** The shell, and what it has begun. */
async function killTree(t: Test, pid: number): Promise<void> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  for (const child of children) await killTree(t, Number(child));
  process.kill(pid, 'SIGKILL');
}

/**
 * A real Redis says why it does not serve, and those words reach whoever has to mend it: not what the connection broke of
 * a moment later, and never a password.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import t from 'tap';
import { makeCertificate } from '../../support/certificate.js';
import { startRedis } from '../../support/redis-process.js';
import { ALL, fenceOf } from './store-contract.js';
import { adminOf, loginAt, settled, storeAt } from './store-on-redis.js';

/** A race between the words and the reset behind them would be lost now and then. */
const TIMES = 30;

t.test('no more clients are let in: the words, with and without a login', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: 's3cret' } });
  const admin = adminOf(t, redis);
  const kept = storeAt(t, redis.url);
  await kept.commit(undefined, fenceOf(1), []);
  await admin.config('SET', 'maxclients', '1');
  for (let times = 0; times < TIMES; times++) {
    const expected = { code: 'store-refused', message: /max number of clients reached/ };
    await t.rejects(storeAt(t, redis.url).fence(), expected);
    await t.rejects(
      storeAt(t, `redis://127.0.0.1:${redis.port}`).commit(undefined, fenceOf(1), []),
      expected,
    );
  }
  await admin.config('SET', 'maxclients', '100');
  t.strictSame(await storeAt(t, redis.url).fence(), fenceOf(1));
});

t.test('a client certificate is missing: the alert, not a broken pipe', async (t) => {
  const tls = await makeCertificate(t);
  const redis = await startRedis(t, { tls });
  const admin = adminOf(t, redis);
  await admin.call('CONFIG', 'SET', 'tls-ca-cert-file', tls.certFile, 'tls-auth-clients', 'yes');
  // The certificate of the server is not what this is about.
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.teardown(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  for (let times = 0; times < TIMES; times++) {
    for (const url of [redis.url, loginAt(redis.url, '', 's3cret')]) {
      await t.rejects(storeAt(t, url).fence(), {
        name: 'WarrenError',
        message: /TLS: .*certificate required/,
      });
    }
  }
});

t.test('a Redis that loads its data says so, at once, and is served from when it has', async (t) => {
  const redis = await startRedis(t, { config: { 'enable-debug-command': 'local' } });
  const admin = adminOf(t, redis);
  const store = storeAt(t, redis.url);
  await store.commit(undefined, fenceOf(1), []);
  await admin.eval("for i = 1, 5000 do redis.call('SET', 'filler:' .. i, i) end", 0);
  await admin.config('SET', 'loading-process-events-interval-bytes', '1024');
  await admin.config('SET', 'key-load-delay', '100');
  const loaded = admin.call('DEBUG', 'RELOAD');
  let said = '';
  await settled(async () => {
    const outcome = await storeAt(t, redis.url)
      .fence()
      .then(
        () => '',
        (error) => `${error.code} ${error.message}`,
      );
    said ||= outcome;
    return said !== '';
  });
  t.match(said, /^store-refused Redis: LOADING /);
  await admin.config('SET', 'key-load-delay', '0').catch(() => {});
  await loaded;
  t.equal(await store.commit(await store.fence(), fenceOf(2), []), 'swapped');
});

t.test('a Redis busy with a script of another client says so, and nothing has happened', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  const store = storeAt(t, redis.url);
  await store.commit(undefined, fenceOf(1), []);
  await admin.config('SET', 'lua-time-limit', '10');
  const endless = adminOf(t, redis);
  const killed = t.rejects(endless.eval('while true do end', 0), { message: /Script killed/ });
  const busy = async () => (await store.fence().catch((error: unknown) => error)) instanceof Error;
  await settled(busy);
  await t.rejects(store.commit(fenceOf(1), fenceOf(2), []), { code: 'store-refused', message: /BUSY/ });
  await admin.script('KILL');
  await killed;
  t.strictSame(await store.fence(), fenceOf(1));
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
});

t.test('rights that are missing are told with the key and the command', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  for (const [rules, asked, said] of [
    [
      ['~warren:{0}:*', '+get'],
      'commit',
      /EVALSHA.* on "warren:\{0\}:fence" and "warren:\{0\}:actors": NOPERM/,
    ],
    [['~warren:{0}:*', '+get', '+eval', '+evalsha'], 'commit', /EVAL.*HSET.* on "warren:\{0\}:fence"/],
    [['~other:*', '+get', '+set', '+eval', '+evalsha'], 'commit', /on "warren:\{0\}:fence".*NOPERM/],
    [['~other:*', '+get'], 'load', /GET on "warren:\{0\}:fence": NOPERM/],
    [['~warren:{0}:*'], 'load', /GET on "warren:\{0\}:fence": NOPERM/],
    [['~warren:{0}:*', '+get'], 'predecessor', /GET on "fibonacci_current": NOPERM/],
  ] as const) {
    await admin.call('ACL', 'SETUSER', 'lowly', 'reset', 'on', '>s3cret', ...rules);
    const store = storeAt(t, loginAt(redis.url, 'lowly', 's3cret'));
    const call: () => Promise<unknown> = {
      commit: () => store.commit(undefined, fenceOf(1), []),
      load: () => store.fence(),
      predecessor: () => store.predecessor(),
    }[asked];
    await t.rejects(call(), { code: 'store-denied', message: said }, `${asked} with ${rules.join(' ')}`);
    await t.rejects(call(), { message: /rights.*runbook/ });
    t.equal(await admin.exists('warren:{0}:fence'), 0, 'nothing has happened');
    // What was mended holds for the next call.
    await admin.call('ACL', 'SETUSER', 'lowly', 'reset', 'on', '>s3cret', 'allkeys', 'allcommands');
    await call();
    await admin.flushall();
  }
});

t.test('a commit for which one right is missing changes nothing at all', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  const rights = 'get set hset hdel hget zadd zrangebylex zremrangebylex eval evalsha'.split(' ');
  const grant = (names: readonly string[]) =>
    admin.call(
      'ACL',
      'SETUSER',
      'lowly',
      'reset',
      'on',
      '>s3cret',
      'allkeys',
      ...names.map((name) => `+${name}`),
    );
  for (const missing of ['set', 'hset', 'hdel', 'zadd', 'zremrangebylex']) {
    await admin.flushall();
    await grant(rights.filter((name) => name !== missing));
    const store = storeAt(t, loginAt(redis.url, 'lowly', 's3cret'));
    const a = { id: 'counter/a', text: 'A' };
    const window = { id: '~window/000000000001000/000000000000001', text: '["counter/a k"]' };
    const record = { id: '~record/counter/a k', text: 'K' };
    const both = [a, { id: 'counter/b', text: undefined }, record, window];
    await t.rejects(store.commit(undefined, fenceOf(1), both), { code: 'store-denied' }, missing);
    t.equal(await admin.dbsize(), 0, `${missing}: a first commit`);
    const mighty = storeAt(t, redis.url);
    await mighty.commit(undefined, fenceOf(1), [a, { id: 'counter/b', text: 'B' }]);
    const next = [{ ...a, text: 'AA' }, { id: 'counter/b', text: undefined }, record, window];
    await t.rejects(store.commit(fenceOf(1), fenceOf(2), next), { code: 'store-denied' }, missing);
    t.strictSame(await mighty.load(['counter/a', 'counter/b'], ALL), {
      fence: fenceOf(1),
      texts: ['A', 'B'],
    });
    await grant(rights);
    t.equal(await store.commit(fenceOf(1), fenceOf(2), next), 'swapped');
    t.strictSame(await store.load(['counter/a', 'counter/b'], ALL), {
      fence: fenceOf(2),
      texts: ['AA', undefined],
    });
  }
});

t.test('a commit that meets a key of another program changes nothing at all', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  const changes = [
    'counter/a',
    '~record/counter/a k',
    '~record/counter/b k',
    '~window/000000000001000/000000000000001',
  ];
  for (const key of ['actors', 'records:counter/b', 'windows']) {
    await admin.flushall();
    await admin.set(`warren:{0}:${key}`, 'of another program');
    const store = storeAt(t, redis.url);
    const all = changes.map((id) => ({ id, text: 'x' }));
    await t.rejects(
      store.commit(undefined, fenceOf(1), all),
      { code: 'store-denied', message: /WRONGTYPE/ },
      key,
    );
    t.equal(await admin.dbsize(), 1, key);
  }
});

t.test('a login that Redis does not take is told with the user, and never with the password', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: 's3cret' } });
  for (const [url, said] of [
    [loginAt(redis.url, '', 'wr0ng'), /AUTH for the user "default": WRONGPASS/],
    [loginAt(redis.url, 'nobody', 'wr0ng'), /AUTH for the user "nobody": WRONGPASS/],
    [loginAt(redis.url, '', ''), /GET on "warren:\{0\}:fence": NOAUTH/],
    [`${redis.url}/9999`, /SELECT of the database 9999: ERR DB index is out of range/],
  ] as const) {
    const error = await storeAt(t, url)
      .fence()
      .catch((error: unknown) => error);
    t.match(error, { code: 'store-denied', message: said });
    t.notMatch(inspect(error, { depth: 10, showHidden: true }), /wr0ng|s3cret/);
  }
});

t.test('a password that Redis does not ask for is no reason to refuse', async (t) => {
  const redis = await startRedis(t);
  t.equal(await storeAt(t, loginAt(redis.url, '', 'needless')).fence(), undefined);
  t.equal(await storeAt(t, loginAt(redis.url, 'default', 'needless')).fence(), undefined);
});

t.test('an answer that is not in the table leaves the outcome unknown', async (t) => {
  // A server between us and Redis, which says what no Redis says.
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('-upstream failure\r\n'));
    t.teardown(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const behind = storeAt(t, `redis://127.0.0.1:${port}`);
  await t.rejects(behind.commit(undefined, fenceOf(1), []), {
    code: 'store-unreachable',
    message: /upstream failure/,
  });
});

t.test('the library prints nothing, whatever Redis says', async (t) => {
  const printed: unknown[] = [];
  for (const method of ['log', 'warn', 'error'] as const) {
    const original = console[method];
    console[method] = (...words: unknown[]) => printed.push(words);
    t.teardown(() => {
      console[method] = original;
    });
  }
  const redis = await startRedis(t);
  await storeAt(t, loginAt(redis.url, '', 'needless')).fence();
  const store = storeAt(t, redis.url);
  await store.fence();
  const admin = adminOf(t, redis);
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await t.rejects(store.fence());
  await admin.call('ACL', 'SETUSER', 'lowly', 'reset', 'on', '>s3cret', '~*', '+get');
  await storeAt(t, loginAt(redis.url, 'lowly', 's3cret')).fence();
  await admin.config('SET', 'requirepass', 's3cret');
  await t.rejects(storeAt(t, `redis://127.0.0.1:${redis.port}`).fence());
  await redis.kill();
  await t.rejects(store.fence());
  await t.rejects(store.fence());
  t.strictSame(printed, []);
});

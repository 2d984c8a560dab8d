/** The environment as a whole: what is good, what is bad in each variable, and that every problem is told at once. */
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { readConfig } from '../../src/config/config.js';
import { type VariableName as Name, VARIABLE_NAMES, VARIABLES } from '../../src/config/variables.js';

function problemsOf(environment: Partial<Record<Name, string>>): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code !== 'config-invalid') throw error;
    return message.split('\n');
  }
}

const NO_INTEGERS = ['', ' ', 'x', '-1', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '9'.repeat(16), '1 '];
const NO_ADDRESSES = [
  'localhost',
  '8080',
  ':',
  ':x',
  'a:b:1',
  '[::1]',
  '[::1:80',
  'x:65536',
  'x:-1',
  'user@x:1',
  'x:1/2',
];

/** Bad values of each variable, beyond those of its kind. A number in a range is given as `[min, max]`. */
const BAD: Record<Name, readonly string[] | readonly [min: number, max: number]> = {
  ACTORS: ['', 'a.js,,b.js', 'fibonacci,fibonacci', 'a.js,b.js,a.js'],
  SERVING_HOST_PORT: ['', ...NO_ADDRESSES],
  ADMIN_HOST_PORT: NO_ADDRESSES,
  ADMIN_TOKEN: ['short', 'with a space in the middle', 'not-ascii-ö-not-ascii'],
  CORS_ORIGIN: [
    'app.example',
    'https://app.example/',
    'https://App.example',
    'https://app.example:443',
    'https://user@app.example',
    'ftp://app.example',
    'null',
    '*,https://app.example',
    'https://*.app.example',
    'https://a.example,',
    'https://a.example\r\nX: y',
  ],
  STORE: ['postgres', 'lmdb', 'LEVEL', ' '],
  DATA_DIR: [''],
  REDIS_URL: [
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://user:%zz@localhost',
    'redis://localhost/key',
    'redis://localhost/1/2',
    'redis://localhost?db=1',
    'redis://localhost#1',
  ],
  REDIS_HOST_PORT: [...NO_ADDRESSES, 'x:0', 'a,b:1', 'x?y:1', 'x#y:1'],
  REDIS_SENTINELS: [...NO_ADDRESSES, 'a:1,', 'a:1;b:2', 'a:1,b', ':1', 'x:0', 'x?y:1'],
  REDIS_SENTINEL_NAME: [''],
  REDIS_SENTINEL_USER: [],
  REDIS_SENTINEL_PASSWORD: [],
  REDIS_CLUSTER: [...NO_ADDRESSES, 'a:1,', 'a:1;b:2', 'a:1,b', ':1', 'x:0', 'x?y:1'],
  REDIS_REPLICAS_ACK: [0, 100],
  NODE_HOST_PORT: [...NO_ADDRESSES, '0.0.0.0:1', ':1'],
  NODE_TOKEN: ['short', 'with a space in the middle', 'not-ascii-ö-not-ascii'],
  SHARDS: ['0', '1025', 'x', '1.5', '-1'],
  INSTANCE_ID: [],
  LEASE_MS: [300, 3_600_000],
  DURABILITY: ['', 'maybe', 'Gated'],
  INITIAL_INDEX: [0, 100_000_000],
  MAX_INDEX: [1, 100_000_000],
  MAILBOX_LIMIT: [1, 1_048_576],
  CONNECTION_LIMIT: ['', '-1', '1000001', '1.5'],
  SHED_AFTER_MS: [1, 3_600_000],
  ASK_TIMEOUT_MS: [1, 3_600_000],
  COMMIT_TIMEOUT_MS: [1, 3_600_000],
  STORE_GRACE_MS: [0, 3_600_000],
  REDIS_PREFIX: ['', 'a b', 'a{b', 'a}b'],
  SERVING_TOKEN: ['short', 'with a space in the middle', 'not-ascii-ö-not-ascii'],
  BODY_LIMIT_KB: [1, 1024],
  STATE_LIMIT_KB: [1, 1024],
  REPLY_LIMIT_KB: [1, 1024],
  STATE_MEMORY_MB: [1, 65_536],
  IDEMPOTENCY_HOURS: [1, 8760],
  IDEMPOTENCY_MB: [1, 65_536],
  REPAIR_MEMORY_MB: [1, 1024],
  FORMAT_THREADS: [1, 2],
  FORMAT_TIMEOUT_MS: [1, 3_600_000],
  UNSENT_MEMORY_MB: [1, 65_536],
  SEND_TIMEOUT_MS: [1, 3_600_000],
  WATCHDOG_MS: ['', '-1', '499', '3600001', '1.5'],
  RESTART_LIMIT: [0, 1_000_000],
  RESTART_WINDOW_MS: [1, 3_600_000],
  SHUTDOWN_TIMEOUT_MS: [1, 3_600_000],
  OWNER_HEAP_MB: [16, 65_536],
  FORMAT_HEAP_MB: [16, 65_536],
  FAULTS: ['', 'yes', 'true', 'ON'],
  LOG_LEVEL: ['', 'loud', 'INFO'],
};

function isRange(bad: (typeof BAD)[Name]): bad is readonly [number, number] {
  return typeof bad[0] === 'number';
}

/** Relations with other variables would hide what a value alone is worth; they have tests of their own. */
const ROOM: Partial<Record<Name, string>> = {
  UNSENT_MEMORY_MB: '64',
  MAX_INDEX: '100000000',
  OWNER_HEAP_MB: '65536',
  STATE_MEMORY_MB: '1',
};

for (const name of VARIABLE_NAMES) {
  const bad = BAD[name];
  t.test(`${name}: bad values are named, and only they`, async (t) => {
    const values = isRange(bad)
      ? [...NO_INTEGERS, ...(bad[0] > 0 ? [`${bad[0] - 1}`] : []), `${bad[1] + 1}`]
      : bad;
    for (const value of values) {
      const problems = problemsOf({ ...ROOM, [name]: value });
      // A number out of its range may break a relation, too; that names it as well.
      t.ok(
        problems.length > 0 && problems.every((problem) => problem.includes(name)),
        `${JSON.stringify(value)}: ${problems}`,
      );
      t.match(problems[0], new RegExp(`^ +- ${name} must`));
    }
    if (!isRange(bad)) return;
    for (const edge of bad) {
      const problems = problemsOf({ ...ROOM, [name]: `${edge}` });
      t.notOk(
        problems.some((problem) => /must be (an integer|at)/.test(problem)),
        `${edge}: ${problems}`,
      );
    }
  });
}

t.test('an empty environment is good, and its config is frozen', async (t) => {
  const config = readConfig({});
  t.match(config, {
    serving: { host: '0.0.0.0', port: 8080 },
    store: { kind: 'level', folder: './data' },
    durability: 'gated',
    initialIndex: 0,
    maxIndex: 20_000_000,
    formatThreads: 2,
    formatTimeoutMs: 120_000,
    unsentMemoryBytes: 64 * 2 ** 20,
    shutdownTimeoutMs: 8_000,
    leaseMs: 3000,
    faults: false,
  });
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.store));
});

t.test('WATCHDOG_MS=0 turns the watchdog off; any other bound is half a second at least', async (t) => {
  t.equal(readConfig({ WATCHDOG_MS: '0' }).watchdogMs, 0);
  t.equal(readConfig({ WATCHDOG_MS: '500' }).watchdogMs, 500);
});

t.test('every default that is shown is a good value', async (t) => {
  t.strictSame(
    problemsOf(Object.fromEntries(VARIABLE_NAMES.map((name) => [name, VARIABLES[name].fallback]))),
    [],
  );
});

t.test('actors are modules and built-in ones, in any order, and by default the sequence alone', async (t) => {
  const { modules, residents } = readConfig({});
  t.strictSame({ modules, residents }, { modules: [], residents: ['fibonacci'] });
  const mixed = readConfig({ ACTORS: './tickets.js, fibonacci,/srv/rooms.js' });
  t.strictSame(mixed.modules, [pathToFileURL('tickets.js').href, 'file:///srv/rooms.js']);
  t.strictSame(mixed.residents, ['fibonacci']);
  t.strictSame(
    readConfig({ ACTORS: '/srv/fibonacci' }).modules,
    ['file:///srv/fibonacci'],
    'a path is a path',
  );
});

t.test(
  'the actors of a command line replace those of the environment, and are not split at commas',
  async (t) => {
    const config = readConfig({ ACTORS: '/srv/other.js' }, ['/srv/a,b.js', 'fibonacci']);
    t.strictSame(config.modules, ['file:///srv/a,b.js']);
    t.strictSame(config.residents, ['fibonacci']);
    t.throws(() => readConfig({}, ['']), { code: 'config-invalid', message: /ACTORS must/ });
  },
);

t.test('every variable fills a field, and no field is filled by two', async (t) => {
  const fields = VARIABLE_NAMES.flatMap((name) => {
    const variable = VARIABLES[name];
    return 'fills' in variable ? [variable.fills] : [];
  });
  const config = readConfig({});
  for (const field of fields) t.ok(Object.hasOwn(config, field), field);
  const parts = ['modules', 'residents', 'admin', 'store', 'node', 'shards'];
  t.strictSame(Object.keys(config).toSorted(), [...fields, ...parts].toSorted());
});

t.test('origins are a list, * stands for any, and by default there is none', async (t) => {
  const origins = (CORS_ORIGIN: string) => readConfig({ CORS_ORIGIN }).corsOrigins;
  t.strictSame(readConfig({}).corsOrigins, []);
  t.strictSame(origins('*'), ['*']);
  t.strictSame(origins('https://app.example, http://localhost:3000'), [
    'https://app.example',
    'http://localhost:3000',
  ]);
});

t.test('all problems come at once, relations too', async (t) => {
  const problems = problemsOf({
    STORE: 'postgres',
    WATCHDOG_MS: '1',
    INITIAL_INDEX: '10',
    MAX_INDEX: '9',
    COMMIT_TIMEOUT_MS: '3000',
    STORE_GRACE_MS: '2000',
  });
  t.equal(problems.length, 4);
  for (const part of [
    /STORE must/,
    /WATCHDOG_MS must/,
    /INITIAL_INDEX must not be above/,
    /ASK_TIMEOUT_MS must be above/,
  ]) {
    t.equal(problems.filter((problem) => part.test(problem)).length, 1, `${part}`);
  }
});

t.test('UNSENT_MEMORY_MB must have room for the largest number', async (t) => {
  t.strictSame(problemsOf({ UNSENT_MEMORY_MB: '4' }), []);
  t.match(problemsOf({ UNSENT_MEMORY_MB: '3' }), [
    /UNSENT_MEMORY_MB must have room for the term at MAX_INDEX/,
  ]);
  t.strictSame(problemsOf({ UNSENT_MEMORY_MB: '3', MAX_INDEX: '15000000' }), []);
  t.strictSame(
    problemsOf({ UNSENT_MEMORY_MB: '3', ACTORS: 'a.js' }),
    [],
    'without the sequence there is no such term',
  );
});

for (const [environment, store] of [
  [{}, { kind: 'level', folder: './data' }],
  [{ STORE: 'memory', REDIS_HOST_PORT: 'r:1' }, { kind: 'memory' }],
  [
    { STORE: 'level', REDIS_HOST_PORT: 'r:1' },
    { kind: 'level', folder: './data' },
  ],
  [{ STORE: 'redis' }, { kind: 'redis', url: 'redis://127.0.0.1:6379', prefix: 'warren' }],
  [{ REDIS_HOST_PORT: 'redis:6379' }, { kind: 'redis', url: 'redis://redis:6379' }],
  [{ REDIS_HOST_PORT: ':6379' }, { kind: 'redis', url: 'redis://localhost:6379' }],
  [{ REDIS_HOST_PORT: '[::1]:6379' }, { kind: 'redis', url: 'redis://[::1]:6379' }],
  [
    { REDIS_URL: 'rediss://u:p@r:2/3', REDIS_HOST_PORT: 'x:1' },
    { kind: 'redis', url: 'rediss://u:p@r:2/3' },
  ],
] as const) {
  t.test(`${JSON.stringify(environment)} means ${store.kind}`, async (t) => {
    t.match(readConfig(environment).store, store);
  });
}

t.test('Sentinels and nodes of a cluster are a store on Redis, with the login of REDIS_URL', async (t) => {
  const login = 'rediss://u:p@any';
  t.match(
    readConfig({
      REDIS_URL: `${login}/3`,
      REDIS_SENTINELS: 'a:1, [::1]:2',
      REDIS_SENTINEL_PASSWORD: 's',
      REDIS_REPLICAS_ACK: '2',
    }).store,
    {
      kind: 'redis',
      url: `${login}/3`,
      replicas: 2,
      sentinels: {
        nodes: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
        master: 'mymaster',
        username: '',
        password: 's',
      },
    },
  );
  t.match(readConfig({ REDIS_URL: login, REDIS_CLUSTER: 'a:1,b:2' }).store, {
    kind: 'redis',
    url: login,
    cluster: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  });
  t.match(readConfig({ REDIS_CLUSTER: 'a:1' }).store, { kind: 'redis' });
});

for (const [environment, problem] of [
  [{ REDIS_SENTINELS: 'a:1', REDIS_CLUSTER: 'b:1' }, /REDIS_CLUSTER cannot stand beside REDIS_SENTINELS/],
  [{ REDIS_SENTINELS: 'a:1', REDIS_HOST_PORT: 'b:1' }, /REDIS_HOST_PORT names one server/],
  [{ REDIS_CLUSTER: 'a:1', REDIS_HOST_PORT: 'b:1' }, /REDIS_HOST_PORT names one server/],
  [{ REDIS_CLUSTER: 'a:1', REDIS_URL: 'redis://b/1' }, /REDIS_URL must not name a database/],
  [{ REDIS_URL: 'redis://b', REDIS_SENTINEL_PASSWORD: 'x' }, /REDIS_SENTINELS must name the Sentinels/],
  [{ REDIS_REPLICAS_ACK: '1' }, /REDIS_REPLICAS_ACK needs a store on Redis/],
  [{ REDIS_REPLICAS_ACK: '1', STORE: 'level', REDIS_URL: 'redis://b' }, /needs a store on Redis/],
  [{ REDIS_REPLICAS_ACK: '1', STORE: 'redis', DURABILITY: 'async' }, /needs DURABILITY=gated/],
] as const) {
  t.test(`${Object.keys(environment).join(' with ')} is refused where it makes no sense`, async (t) => {
    t.match(problemsOf(environment), [problem]);
  });
}

t.test('a bad REDIS_URL is not repeated: it may carry a password', async (t) => {
  for (const url of ['http://u:hunter2@r', 'redis://u:hunter2@r/key', 'redis://u:hunter2%@r']) {
    t.notMatch(problemsOf({ REDIS_URL: url }).join('\n'), 'hunter2');
  }
});

/**
 * The real server against its own description: each documented answer is provoked, and must be what is documented.
 *
 * Some have no scenario here: `internal` and `poisoned`, for which a handler or a behavior would have to have a bug; `state-unreadable`, for
 * which somebody would have to damage the store; the
 * `not-ready` of `/health`, which lasts for the milliseconds between the watchdog's bark and the new owner; and that of the
 * numbers, which lasts while the digits of some index beyond millions are computed for the first time.
 */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t, { type Test } from 'tap';
import { frontRoutes } from '../../src/http/front-routes.js';
import { openApi } from '../../src/http/openapi.js';
import type { ResponseContext } from '../../src/http/response-context.js';
import { sequenceRoutes } from '../../src/residents/fibonacci/routes.js';
import { recordShows } from '../faults/redis-record.js';
import { ready } from '../support/actor-server.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { get, type HttpAnswer } from '../support/http-client.js';
import { startPatiently } from '../support/patient-start.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';

interface Operation {
  readonly path: string;
  readonly method: string;
}

interface Answered extends Operation {
  readonly answer: HttpAnswer;
}

interface Documented {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly headers?: Readonly<Record<string, object>>;
}

/** Brings a server into a state, and has the operations answered there. */
type Scenario = (t: Test, operations: readonly Operation[]) => Promise<readonly Answered[]>;

const FAULTS = { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' };
const WITHOUT_SCENARIO = [
  'internal',
  'poisoned',
  'state-unreadable',
  // Shown by the test of idempotency keys.
  'idempotency-key-reused',
  'idempotency-full',
  // Shown by the model of a request that is routed between nodes.
  'node-lost',
  ...['/health', '/next', '/current', '/previous'].map((path) => `${path} not-ready`),
];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '200': async (t, operations) => {
    const warren = await servingWarren(t, {});
    return [
      ...(await askAll(warren, operations)),
      ...(await askAll(warren, operations.filter(asksOwner), '?as=string')),
    ];
  },

  unauthorized: async (t, operations) =>
    askAll(await servingWarren(t, { SERVING_TOKEN: 'a-token-of-the-test' }), operations),

  'bad-query': async (t, operations) => askAll(await servingWarren(t, {}), operations, '?as=roman'),

  'bad-request': (t, operations) => askWith(t, operations, { 'transfer-encoding': 'gzip, chunked' }),

  'idempotency-key-invalid': (t, operations) => askWith(t, operations, { 'idempotency-key': 'a b' }),

  'length-required': (t, operations) => askWith(t, operations, { 'transfer-encoding': 'chunked' }),

  'head-too-large': (t, operations) => askWith(t, operations, { 'x-large': 'x'.repeat(9_000) }),

  'sequence-exhausted': async (t, operations) => {
    const warren = await servingWarren(t, { INITIAL_INDEX: '1', MAX_INDEX: '1' });
    return askAll(warren, operations);
  },

  'mailbox-full': async (t, operations) => {
    const warren = await servingWarren(t, { ...FAULTS, MAILBOX_LIMIT: '1', COMMIT_TIMEOUT_MS: '30000' });
    await fault(warren, 'slow-store?ms=4000');
    const first = get(warren.url, '/next');
    await pending(warren, 1);
    const answers = await askAll(warren, operations);
    await first;
    return answers;
  },

  'store-unavailable': async (t, operations) => askAll(await warrenWithoutStore(t), operations),

  standby: async (t, operations) => {
    const redis = await startRedis(t);
    const env = { REDIS_URL: redis.url };
    await servingWarren(t, env);
    const second = await startWarren(t, { env });
    await second.waitForLog((line) => line.msg === 'standing by');
    return askAll(second, operations);
  },

  'not-ready': async (t, operations) => askAll(await warrenWithoutStore(t), operations),

  'commit-in-doubt': async (t, operations) => {
    const redis = await startRedis(t);
    const link = await startFaultProxy(t, redis.port);
    const limits = { COMMIT_TIMEOUT_MS: '50000', STORE_GRACE_MS: '100' };
    const env = { ...FAULTS, ...limits, REDIS_URL: `redis://127.0.0.1:${link.port}` };
    const warren = await startPatiently(t, env);
    link.hold(true);
    // While the first commit is under way a group forms: a change, and behind it whatever is asked.
    const first = get(warren.url, '/next');
    await pending(warren, 1);
    const change = get(warren.url, '/next');
    await pending(warren, 2);
    const answers = askAll(warren, operations);
    await pending(warren, 2 + operations.length);
    // The answer to the first commit, and none any more.
    link.hold(false);
    link.hold(true);
    t.equal((await first).status, 200);
    const numbers = operations.filter(({ path }) => path === '/next').length;
    await recordShows(redis.url, { index: 2 + numbers });
    await link.refuse(true);
    link.cutAll();
    await change;
    return answers;
  },

  'ask-timeout': async (t, operations) => {
    const limits = { ASK_TIMEOUT_MS: '300', COMMIT_TIMEOUT_MS: '100', STORE_GRACE_MS: '100' };
    const warren = await servingWarren(t, { ...FAULTS, ...limits });
    await fault(warren, 'hang-owner');
    // The owner may take a last message before it looks for the command.
    while ((await get(warren.url, '/current')).status === 200) await pause();
    return askAll(warren, operations);
  },

  'shutting-down': async (t, operations) => {
    const warren = await servingWarren(t, { ...FAULTS, COMMIT_TIMEOUT_MS: '30000' });
    await fault(warren, 'slow-store?ms=4000');
    // Connections that are open already: a server that stops takes no new ones.
    const agents = operations.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    await Promise.all(agents.map((agent) => get(warren.url, '/health', { agent })));
    const open = get(warren.url, '/next');
    await pending(warren, 1);
    warren.kill('SIGTERM');
    await warren.waitForLog((line) => line.msg === 'stopping');
    const answers = await Promise.all(
      operations.map(async (operation, at) => {
        const agent = agents[at] as Agent;
        const answer = await get(warren.url, operation.path, { method: operation.method, agent });
        return { ...operation, answer };
      }),
    );
    t.equal((await open).status, 200, 'what was asked before is still answered');
    for (const agent of agents) agent.destroy();
    return answers;
  },
};

/** Headers of an answer that a retry gets, or that waited for its commit. */
const OPTIONAL = new Set(['Commit', 'Idempotency-Replayed']);

const own = frontRoutes({
  context: {} as ResponseContext,
  healthy: () => true,
  ready: () => true,
  description: () => Buffer.alloc(0),
});
const routes = [...own, ...sequenceRoutes(() => () => {})];
const document = JSON.parse(JSON.stringify(openApi(await packageVersion(), routes)));
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document, 'openapi');

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  t.test(`every documented ${name} is what the server answers`, async (t) => {
    const operations = operationsWith(name).filter(
      ({ path }) => !WITHOUT_SCENARIO.includes(`${path} ${name}`),
    );
    t.ok(operations.length > 0);
    for (const { path, method, answer } of await scenario(t, operations)) {
      const title = `${method} ${path}`;
      const pointer = ['paths', path, method.toLowerCase(), 'responses', String(answer.status)];
      const documented = at(pointer) as Documented | undefined;
      if (documented === undefined) {
        t.fail(`${title} answered ${answer.status}, which is not documented`);
        continue;
      }
      for (const header of Object.keys(documented.headers ?? {}).filter((name) => !OPTIONAL.has(name))) {
        t.ok(answer.headers[header.toLowerCase()], `${title} has the header ${header}`);
      }
      const type = String(answer.headers['content-type']);
      if (method === 'HEAD') {
        t.equal(answer.body, '');
        continue;
      }
      t.ok(documented.content?.[type], `${title} is of the type ${type}`);
      const body = JSON.parse(answer.body);
      if (name !== '200') t.match(body, { code: name, status: answer.status });
      const reference = [...pointer, 'content', type, 'schema'].map(escaped).join('/');
      const validate = ajv.getSchema(`openapi#/${reference}`);
      t.ok(validate?.(body), `${title}: ${JSON.stringify(validate?.errors)}`);
    }
  });
}

t.test('the server gives its description to whoever asks', async (t) => {
  const { url } = await startWarren(t);
  const { status, headers, body } = await get(url, '/openapi.json');
  t.equal(status, 200);
  t.equal(headers['content-type'], 'application/json');
  t.strictSame(JSON.parse(body), document);
});

t.test('every documented problem has a scenario, but for the named exceptions', async (t) => {
  const codes = new Set(documentedCodes().map(({ code }) => code));
  t.strictSame(
    [...codes].filter((code) => !(code in SCENARIOS) && !WITHOUT_SCENARIO.includes(code)),
    [],
  );
});

async function packageVersion(): Promise<string> {
  return JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')).version;
}

function operationsWith(name: string): Operation[] {
  if (name === '200') return allOperations();
  return documentedCodes().filter(({ code }) => code === name);
}

function allOperations(): Operation[] {
  const paths = document['paths'] as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => ({ path, method: method.toUpperCase() })),
  );
}

function documentedCodes(): (Operation & { code: string })[] {
  return allOperations().flatMap((operation) => {
    const responses = at(['paths', operation.path, operation.method.toLowerCase(), 'responses']) as Record<
      string,
      { description: string }
    >;
    return Object.values(responses).flatMap(({ description }) =>
      [...description.matchAll(/^`([a-z-]+)`:/gm)].map(([, code = '']) => ({ ...operation, code })),
    );
  });
}

function at(pointer: readonly string[]): unknown {
  return pointer.reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], document);
}

function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
}

async function servingWarren(t: Test, env: ServerEnv): Promise<WarrenProcess> {
  const warren = await startWarren(t, { env });
  await ready(warren);
  return warren;
}

async function warrenWithoutStore(t: Test): Promise<WarrenProcess> {
  const warren = await servingWarren(t, { ...FAULTS, STORE_GRACE_MS: '0' });
  await fault(warren, 'drop-store?ms=60000');
  await get(warren.url, '/next');
  await warren.waitForLog((line) => line.msg === 'the store is away');
  return warren;
}

async function askAll(
  { url }: WarrenProcess,
  operations: readonly Operation[],
  query = '',
): Promise<Answered[]> {
  return Promise.all(
    operations.map(async (operation) => {
      const answer = await get(url, operation.path + query, { method: operation.method });
      return { ...operation, answer };
    }),
  );
}

/** One by one, each on a connection of its own. */
async function askWith(
  t: Test,
  operations: readonly Operation[],
  headers: Record<string, string>,
): Promise<Answered[]> {
  const { url } = await servingWarren(t, {});
  const answers: Answered[] = [];
  for (const { path, method } of operations) {
    const answer = await get(url, path, { method, headers, agent: new Agent() });
    answers.push({ path, method, answer });
  }
  return answers;
}

function asksOwner({ path }: Operation): boolean {
  return ['/next', '/current', '/previous'].includes(path);
}

async function fault(warren: WarrenProcess, name: string): Promise<void> {
  const { status, body } = await get(warren.adminUrl, `/faults/${name}`, { method: 'POST' });
  if (status !== 200) throw new Error(`${name} was answered ${status}: ${body}`);
}

/** Resolves when so many messages wait for the owner. */
async function pending(warren: WarrenProcess, count: number): Promise<void> {
  const text = `warren_pending_requests ${count}\n`;
  while (!(await get(warren.adminUrl, '/metrics')).body.includes(text)) await pause();
}

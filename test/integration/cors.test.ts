/** What browsers are told when a page of another origin asks; without CORS_ORIGIN not a word. */
import { Agent } from 'node:http';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const PAGE = 'https://app.example';
const EXPOSED = 'Sequence-Index, X-Request-Id, Allow, Retry-After, Commit, Idempotency-Replayed';
const PREFLIGHT = { origin: PAGE, 'access-control-request-method': 'POST' };
const ALLOW_ORIGIN = 'access-control-allow-origin';

const TARGETS = [
  'GET /next',
  'HEAD /current',
  'GET /health',
  'GET /openapi.json',
  'GET /nowhere',
  'PUT /next',
  'GET /next?x',
];

t.test('by default no answer speaks of origins, and a preflight is a wrong method', async (t) => {
  const { url } = await startWarren(t, { env: { STORE: 'memory' } });
  for (const target of TARGETS) {
    const [method = '', path = ''] = target.split(' ');
    const { headers } = await get(url, path, { method, headers: { origin: PAGE } });
    t.strictSame(
      Object.keys(headers).filter((name) => name.startsWith('access-control') || name === 'vary'),
      [],
      target,
    );
  }
  t.equal((await get(url, '/next', { method: 'OPTIONS', headers: PREFLIGHT })).status, 405);
});

t.test('pages of the named origins read every answer, problems too; others read none', async (t) => {
  const CORS_ORIGIN = `https://other.example, ${PAGE}`;
  const { url } = await startWarren(t, { env: { STORE: 'memory', CORS_ORIGIN } });
  for (const target of TARGETS) {
    const [method = '', path = ''] = target.split(' ');
    for (const refusal of [{}, { 'x-large': 'x'.repeat(9_000) }]) {
      const headers = { origin: PAGE, ...refusal };
      // A connection of its own: the refusal ends it.
      const answer = await get(url, path, { method, headers, agent: new Agent() });
      t.match(
        answer.headers,
        { [ALLOW_ORIGIN]: PAGE, 'access-control-expose-headers': EXPOSED, vary: 'Origin' },
        `${target}: ${answer.status}`,
      );
    }
    for (const origin of ['https://evil.example', `${PAGE}.evil.example`, 'null']) {
      const { headers } = await get(url, path, { method, headers: { origin } });
      t.notHas(headers, { [ALLOW_ORIGIN]: String }, `${target} from ${origin}`);
      t.equal(headers.vary, 'Origin');
    }
  }
});

t.test('a preflight is told what the route takes, and moves nothing', async (t) => {
  const { url } = await startWarren(t, { env: { STORE: 'memory', CORS_ORIGIN: PAGE } });
  const ask = (path: string, headers: Record<string, string>) =>
    get(url, path, { method: 'OPTIONS', headers });
  const answer = await ask('/next', { ...PREFLIGHT, 'access-control-request-headers': 'x-request-id' });
  t.match(answer, { status: 204, body: '' });
  t.match(answer.headers, {
    [ALLOW_ORIGIN]: PAGE,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'Authorization, Content-Type, X-Request-Id, Idempotency-Key',
    'access-control-max-age': '7200',
    'content-length': undefined,
  });
  t.equal((await ask('/current', PREFLIGHT)).headers['access-control-allow-methods'], 'GET, HEAD');
  t.equal((await ask('/next', { ...PREFLIGHT, origin: 'https://evil.example' })).status, 405);
  t.equal((await ask('/next', { origin: PAGE })).status, 405, 'OPTIONS alone is no preflight');
  t.equal((await ask('/nowhere', PREFLIGHT)).status, 404);
  t.equal((await get(url, '/current')).headers['sequence-index'], '0');
});

t.test('with * any page reads the answers', async (t) => {
  const { url } = await startWarren(t, { env: { STORE: 'memory', CORS_ORIGIN: '*' } });
  for (const origin of [PAGE, 'null', 'http://localhost:3000']) {
    const { headers } = await get(url, '/current', { headers: { origin } });
    t.equal(headers[ALLOW_ORIGIN], '*');
    t.equal(headers.vary, undefined);
  }
});

/** A request's id, from the client through the answer into the log. */
import t from 'tap';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { startWarren } from '../support/warren-process.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

t.test("a client's own id comes back, and stands in the log with its problem", async (t) => {
  const warren = await startWarren(t, { env: { LOG_LEVEL: 'debug' } });
  const headers = { 'X-Request-Id': 'order-4711' };
  const well = await get(warren.url, '/next', { headers });
  t.match(well, { status: 200, headers: { 'x-request-id': 'order-4711' } });
  const problem = await get(warren.url, '/next?as=roman', { headers });
  t.match(problem, { status: 400, headers: { 'x-request-id': 'order-4711' } });
  t.match(JSON.parse(problem.body), { requestId: 'order-4711' });
  const line = await warren.waitForLog(({ code }) => code === 'bad-query');
  t.match(line, { requestId: 'order-4711', method: 'GET', path: '/next' });
});

t.test('a problem without an id gets one, an answer does not', async (t) => {
  const warren = await startWarren(t);
  t.equal((await get(warren.url, '/next')).headers['x-request-id'], undefined);
  const ids = new Set<unknown>();
  for (const id of ['', 'with a space', 'x'.repeat(129), 'é']) {
    const { headers, body } = await get(
      warren.url,
      '/no',
      id === '' ? {} : { headers: { 'X-Request-Id': id } },
    );
    t.match(headers['x-request-id'], UUID);
    t.equal(JSON.parse(body).requestId, headers['x-request-id']);
    ids.add(headers['x-request-id']);
  }
  t.equal(ids.size, 4);
  t.notOk(
    warren.logs.some((line) => line['code'] === 'not-found'),
    'clients cannot fill the log',
  );
});

t.test('a failure of the server is in the log at its usual level', async (t) => {
  const limits = { ASK_TIMEOUT_MS: '300', COMMIT_TIMEOUT_MS: '100', STORE_GRACE_MS: '100' };
  const env = { ...limits, ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' };
  const warren = await startWarren(t, { env });
  await warren.waitForLog((line) => line.msg === 'serving');
  await get(warren.adminUrl, '/faults/hang-owner', { method: 'POST' });
  while ((await get(warren.url, '/current')).status === 200) await pause();
  const { status, body } = await get(warren.url, '/next');
  t.equal(status, 504, body);
  const { requestId } = JSON.parse(body);
  t.match(await warren.waitForLog((line) => line['requestId'] === requestId), {
    level: 50,
    code: 'ask-timeout',
  });
});

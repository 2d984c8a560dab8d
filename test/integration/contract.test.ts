/** The HTTP contract, byte for byte, over one kept-alive connection: what a client of the Go service relies on, and more. */
import t, { type Test } from 'tap';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startWarren } from '../support/warren-process.js';

const OK = 'HTTP/1.1 200 OK';
const JSON_TYPE = ['Content-Type', 'application/json'];
const PROBLEM_TYPE = ['Content-Type', 'application/problem+json'];
const NO_STORE = ['Cache-Control', 'no-store'];
/** Sent where a problem is expected, which names its request; without it the name would be another each time. */
const REQUEST_ID = ['X-Request-Id', 'contract'];

const NOT_FOUND =
  '{"type":"urn:warren:problem:not-found","title":"There is nothing at this path","status":404,"code":"not-found"}';
const NOT_ALLOWED =
  '{"type":"urn:warren:problem:method-not-allowed","title":"This path does not answer to this method",' +
  '"status":405,"code":"method-not-allowed"}';
const BAD_QUERY =
  '{"type":"urn:warren:problem:bad-query","title":"The query string is not understood","status":400,' +
  '"code":"bad-query","detail":"the only query is ?as=string"}';

interface Expected {
  readonly statusLine: string;
  readonly headers: string[][];
  readonly body: string;
}

/** Sends one request, and compares the whole answer but for what uWebSockets.js adds: the date and its name. */
async function exchange(t: Test, connection: RawConnection, target: string, expected: Expected) {
  const [method = '', path = ''] = target.split(' ');
  const named = expected.headers.includes(REQUEST_ID);
  connection.send(requestBytes(method, path, ...(named ? [REQUEST_ID.join(': ')] : [])));
  const answer = await connection.answer(method === 'HEAD' ? 'HEAD' : 'other');
  const headers = answer?.headers.filter(([name]) => name !== 'Date' && name !== 'uWebSockets') ?? [];
  const length = ['Content-Length', `${expected.body.length}`];
  const body = method === 'HEAD' ? '' : expected.body;
  t.strictSame(
    { statusLine: answer?.statusLine, headers: headers.map((pair) => [...pair]).sort(), body: answer?.body },
    { statusLine: expected.statusLine, headers: [...expected.headers, length].sort(), body },
    target,
  );
}

const front = (body: string): Expected => ({ statusLine: OK, headers: [JSON_TYPE, NO_STORE], body });
const term = (index: number, body: string): Expected => ({
  statusLine: OK,
  headers: [JSON_TYPE, NO_STORE, ['Sequence-Index', `${index}`]],
  body,
});
/** The answer to a command names its commit. */
const moved = (index: number, body: string, version = index): Expected => {
  const { headers, ...more } = term(index, body);
  return { ...more, headers: [...headers, ['Commit', `0.1.${version}`]] };
};
const problem = (status: string, body: string, ...headers: string[][]): Expected => ({
  statusLine: `HTTP/1.1 ${status}`,
  headers: [PROBLEM_TYPE, NO_STORE, REQUEST_ID, ...headers],
  body: body.replace(/}$/, ',"requestId":"contract"}'),
});

t.test('every answer is what the contract says, to the byte', async (t) => {
  const warren = await startWarren(t);
  await warren.waitForLog((line) => line.msg === 'serving');
  const connection = await RawConnection.open(t, warren.port);
  await answersNumbers(connection);
  const say = (target: string, expected: Expected) => exchange(t, connection, target, expected);

  await say('GET /health', front('{"status": "healthy"}'));
  await say('GET /ready', front('{"status": "ready"}'));
  await say('GET /current', term(0, '{"current": 0}'));
  await say('GET /previous', term(0, '{"previous": 0}'));
  await say('GET /next', moved(1, '{"next": 1}'));
  await say('GET /previous', term(0, '{"previous": 0}'));
  await say('POST /next', moved(2, '{"next": 1}'));
  await say('GET /current', term(2, '{"current": 1}'));
  await say('GET /previous', term(1, '{"previous": 1}'));
  await say('GET /next', moved(3, '{"next": 2}'));
  await say('POST /next', moved(4, '{"next": 3}'));
  await say('GET /previous', term(3, '{"previous": 2}'));
  t.equal(connection.rest, '', 'and not a byte more');
  t.notOk(connection.over, 'the connection stays open');
});

t.test('HEAD is the answer to GET without its body, and the connection goes on', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory', INITIAL_INDEX: '30000' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const connection = await RawConnection.open(t, warren.port);
  await answersNumbers(connection);
  for (const path of ['/health', '/ready', '/current', '/previous', '/current?as=string', '/nowhere']) {
    const id = REQUEST_ID.join(': ');
    connection.send(requestBytes('GET', path, id));
    const got = await connection.answer();
    for (let times = 0; times < 2; times++) {
      connection.send(requestBytes('HEAD', path, id));
      const head = await connection.answer('HEAD');
      const comparable = (headers: readonly (readonly [string, string])[] = []) =>
        headers.filter(([name]) => name !== 'Date').toSorted();
      t.equal(head?.statusLine, got?.statusLine, `HEAD ${path}`);
      t.strictSame(comparable(head?.headers), comparable(got?.headers), `headers of ${path}`);
    }
  }
  await exchange(t, connection, 'HEAD /next', problem('405 Method Not Allowed', NOT_ALLOWED, ALLOW_NEXT));
  connection.send(requestBytes('GET', '/current'));
  t.match((await connection.answer())?.headers, [
    ['Content-Type'],
    ['Cache-Control'],
    ['Sequence-Index', '30000'],
  ]);
  t.equal(connection.rest, '');
});

/** Serving begins with the state; `/ready` also waits for the digits of the first terms, and so does a number. */
async function answersNumbers(connection: RawConnection): Promise<void> {
  connection.send(requestBytes('GET', '/current'));
  await connection.answer();
}

const ALLOW_NEXT = ['Allow', 'GET, POST'];
const ALLOW_READ = ['Allow', 'GET, HEAD'];

t.test('unknown paths, wrong methods and unknown queries are problems that move nothing', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const connection = await RawConnection.open(t, warren.port);
  const say = (target: string, expected: Expected) => exchange(t, connection, target, expected);

  for (const path of ['/', '/nowhere', '/next/', '/NEXT', '/health/x', '/favicon.ico']) {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      await say(`${method} ${path}`, problem('404 Not Found', NOT_FOUND));
    }
  }
  for (const path of ['/health', '/ready', '/current', '/previous']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      await say(`${method} ${path}`, problem('405 Method Not Allowed', NOT_ALLOWED, ALLOW_READ));
    }
  }
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
    await say(`${method} /next`, problem('405 Method Not Allowed', NOT_ALLOWED, ALLOW_NEXT));
  }
  for (const query of [
    'x=1',
    'as=number',
    'as',
    'as=string&as=string',
    'as=string&x',
    'AS=string',
    '%61s=string',
  ]) {
    await say(`GET /next?${query}`, problem('400 Bad Request', BAD_QUERY));
    await say(`POST /next?${query}`, problem('400 Bad Request', BAD_QUERY));
    await say(`GET /current?${query}`, problem('400 Bad Request', BAD_QUERY));
    await say(`HEAD /previous?${query}`, problem('400 Bad Request', BAD_QUERY));
  }
  await say('GET /current', term(0, '{"current": 0}'));
});

t.test('?as=string puts the number in quotes and changes nothing else', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory', INITIAL_INDEX: '99' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const connection = await RawConnection.open(t, warren.port);
  const say = (target: string, expected: Expected) => exchange(t, connection, target, expected);

  await say('GET /next?as=string', moved(100, '{"next": "354224848179261915075"}', 1));
  await say('GET /current?as=string', term(100, '{"current": "354224848179261915075"}'));
  await say('HEAD /current?as=string', term(100, '{"current": "354224848179261915075"}'));
  await say('GET /previous?as=string', term(99, '{"previous": "218922995834555169026"}'));
  await say('GET /current', term(100, '{"current": 354224848179261915075}'));
  await say('POST /next?as=string', moved(101, '{"next": "573147844013817084101"}', 2));
  await say('GET /current?', term(101, '{"current": 573147844013817084101}'));
});

t.test('at MAX_INDEX the sequence is exhausted, says so, and stays where it is', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory', INITIAL_INDEX: '98', MAX_INDEX: '99' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const connection = await RawConnection.open(t, warren.port);
  const say = (target: string, expected: Expected) => exchange(t, connection, target, expected);
  const exhausted =
    '{"type":"urn:warren:problem:sequence-exhausted","title":"The sequence has reached its configured end",' +
    '"status":409,"code":"sequence-exhausted"}';

  await say('GET /next', moved(99, '{"next": 218922995834555169026}', 1));
  await say('GET /next', problem('409 Conflict', exhausted));
  await say('POST /next', problem('409 Conflict', exhausted));
  await say('GET /current', term(99, '{"current": 218922995834555169026}'));
  await say('GET /previous', term(98, '{"previous": 135301852344706746049}'));
});

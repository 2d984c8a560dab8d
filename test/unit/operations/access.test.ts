/** Who is let in at the admin listener, by the headers of a request alone. */
import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { Access } from '../../../src/operations/access.js';

const TOKEN = 'a-token-of-a-good-length';
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

function statusOf(token: string, method: string, headers: Record<string, string>): number {
  return new Access(token).check({ method, headers } as unknown as IncomingMessage)?.status ?? 200;
}

const CASES: readonly [
  claim: string,
  status: number,
  token: string,
  method: string,
  Record<string, string>,
][] = [
  ['the bearer of the token is let in', 200, TOKEN, 'GET', { authorization: `Bearer ${TOKEN}` }],
  ['so is one who types it as a password', 200, TOKEN, 'GET', { authorization: basic(`me:${TOKEN}`) }],
  ['a name that is the token does not count', 401, TOKEN, 'GET', { authorization: basic(`${TOKEN}:`) }],
  ['a wrong token is refused', 401, TOKEN, 'GET', { authorization: 'Bearer a-token-of-a-good-lengtH' }],
  ['a token with more behind it is refused', 401, TOKEN, 'GET', { authorization: `Bearer ${TOKEN}x` }],
  ['another scheme is refused', 401, TOKEN, 'GET', { authorization: `Digest ${TOKEN}` }],
  ['no token at all is refused', 401, TOKEN, 'GET', { host: '127.0.0.1:9090' }],
  ['without a token loopback names are answered', 200, '', 'GET', { host: 'localhost:9090' }],
  ['as an address, too', 200, '', 'GET', { host: '127.0.0.1:9090' }],
  ['and in IPv6', 200, '', 'GET', { host: '[::1]:9090' }],
  ['a name that only resolves to loopback is not', 421, '', 'GET', { host: 'evil.example:9090' }],
  ['nor one that begins like it', 421, '', 'GET', { host: 'localhost.evil.example' }],
  ['no name at all is not', 421, '', 'GET', {}],
  ['a command from the own page is taken', 200, '', 'POST', { host: '[::1]:1', origin: 'http://[::1]:1' }],
  ['a command without a page is taken', 200, '', 'POST', { host: 'localhost:1' }],
  [
    'a command from another site is not',
    403,
    '',
    'POST',
    { host: 'localhost:1', origin: 'http://evil.example' },
  ],
  [
    'nor from another port of this machine',
    403,
    '',
    'POST',
    { host: 'localhost:1', origin: 'http://localhost:2' },
  ],
  ['nor from a page that hides its origin', 403, '', 'POST', { host: 'localhost:1', origin: 'null' }],
  [
    'nor when the browser says that it crosses sites',
    403,
    TOKEN,
    'POST',
    { host: 'warren.example', authorization: basic(`:${TOKEN}`), 'sec-fetch-site': 'cross-site' },
  ],
];

for (const [claim, status, token, method, headers] of CASES) {
  t.test(claim, async (t) => t.equal(statusOf(token, method, headers), status));
}

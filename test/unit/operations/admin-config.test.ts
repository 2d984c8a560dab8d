/** What the environment says of the admin listener. */
import t from 'tap';
import { readConfig } from '../../../src/config/config.js';

const TOKEN = 'a-token-of-a-good-length';

t.test('by default it is on loopback, and not worth a failed start', async (t) => {
  t.strictSame(readConfig({}).admin, { host: '127.0.0.1', port: 9090, optional: true, token: '' });
});

t.test('an address that was asked for is meant', async (t) => {
  t.match(readConfig({ ADMIN_HOST_PORT: '127.0.0.1:9090' }).admin, { optional: false });
});

t.test('an empty address switches it off, whatever the token', async (t) => {
  t.equal(readConfig({ ADMIN_HOST_PORT: '', ADMIN_TOKEN: TOKEN }).admin, undefined);
});

for (const address of ['localhost:1', '127.0.0.1:1', '127.8.9.10:1', '[::1]:1']) {
  t.test(`${address} needs no token`, async (t) => t.ok(readConfig({ ADMIN_HOST_PORT: address }).admin));
}

for (const address of [
  '0.0.0.0:1',
  ':1',
  '[::]:1',
  '10.0.0.1:1',
  'localhost.example:1',
  '127.0.0.1.example:1',
]) {
  t.test(`${address} needs a token`, async (t) => {
    t.throws(() => readConfig({ ADMIN_HOST_PORT: address }), {
      code: 'config-invalid',
      message: /ADMIN_TOKEN/,
    });
    t.match(readConfig({ ADMIN_HOST_PORT: address, ADMIN_TOKEN: TOKEN }).admin, { token: TOKEN });
  });
}

t.test('a token that is too short or cannot stand in a header is refused, and not repeated', async (t) => {
  for (const token of ['fifteen-letters', `${TOKEN} with spaces`, `${TOKEN}\n`]) {
    const problem = t.throws(() => readConfig({ ADMIN_TOKEN: token })) as Error;
    t.match(problem.message, /ADMIN_TOKEN must/);
    t.notMatch(problem.message, token);
  }
});

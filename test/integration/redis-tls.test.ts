/** A Redis behind TLS: `rediss://` with a certificate that is trusted, and with one that is not. */
import t from 'tap';
import { makeCertificate } from '../support/certificate.js';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren } from '../support/warren-process.js';

const PASSWORD = 'hunter2-of-the-test';

t.test('numbers are stored over TLS, and a successor goes on from them', async (t) => {
  const certificate = await makeCertificate(t);
  const redis = await startRedis(t, { tls: certificate, config: { requirepass: PASSWORD } });
  t.match(redis.url, /^rediss:/);
  const env = {
    REDIS_URL: redis.url,
    INSTANCE_ID: 'one',
    NODE_EXTRA_CA_CERTS: certificate.certFile,
  };
  const warren = await startWarren(t, { env });
  await warren.waitForLog(({ msg }) => msg === 'serving');
  for (const index of [1, 2]) t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${index}`);
  t.equal(await warren.stop(), 0);
  const again = await warren.again();
  t.equal((await get(again.url, '/next')).headers['sequence-index'], '3');
  t.notMatch(warren.output + again.output, PASSWORD);
});

t.test('a certificate that nobody vouches for is refused, and the log says so', async (t) => {
  const redis = await startRedis(t, {
    tls: await makeCertificate(t),
    config: { requirepass: PASSWORD },
  });
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url } });
  await warren.waitForLog(
    ({ msg, reason }) => msg === 'the store is away' && /self-signed certificate/.test(`${reason}`),
  );
  t.equal((await get(warren.url, '/next')).status, 503);
  t.notMatch(warren.output, PASSWORD);
});

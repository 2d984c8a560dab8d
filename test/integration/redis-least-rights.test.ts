/** The rights that the runbook lists are enough behind Sentinels and on a cluster, with replicas that acknowledge, over TLS with a CA of one's own. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { ACTORS, ready } from '../support/actor-server.js';
import { makeCertificate } from '../support/certificate.js';
import { runCli } from '../support/cli-process.js';
import { post } from '../support/json-client.js';
import { startCluster } from '../support/redis-cluster.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { startReplica } from '../support/redis-replica.js';
import { startSentinels } from '../support/redis-sentinel.js';
import { type ServerEnv, startWarren } from '../support/warren-process.js';

const RUNBOOK = new URL('../../../docs/operations/runbook.md', import.meta.url);
const LOGIN = 'rediss://warren:a-long-random-password@any';
const SECRETS = /a-long-random-password|another-long-random-password/;

/** Runs a line of the runbook at a server, as an operator would. */
async function grant(url: string, begin: RegExp): Promise<void> {
  const lines = (await readFile(RUNBOOK, 'utf8')).split('\n').filter((line) => begin.test(line));
  if (lines.length !== 1) throw new Error(`the runbook has ${lines.length} lines ${begin}`);
  const command = lines[0]?.replace(
    /^redis-cli(?: -p \d+)?/,
    `redis-cli -p ${new URL(url).port} --tls --insecure`,
  );
  const { stdout } = await promisify(execFile)('sh', ['-c', command ?? '']);
  if (stdout.trim() !== 'OK') throw new Error(`${command}: ${stdout}`);
}

const USER = /^redis-cli ACL SETUSER warren on .*resetkeys/;
const WAIT = /^redis-cli ACL SETUSER warren \+wait/;
const READWRITE = /^redis-cli ACL SETUSER warren \+readwrite/;
const SENTINEL = /^redis-cli -p 26379 ACL SETUSER warren/;

/** Two processes, one after the other, and what an operator reads. */
async function servesTwice(t: Test, env: ServerEnv, urls: readonly string[]): Promise<void> {
  const first = await startWarren(t, { env: { ACTORS, ...env, INSTANCE_ID: 'one' } });
  await ready(first);
  t.match(await post(first.url, '/counter/a/add'), { status: 200, body: 1 });
  t.equal(await first.stop(), 0);
  const second = await first.again({ INSTANCE_ID: 'two' });
  await ready(second);
  t.match(await post(second.url, '/counter/a/add'), { status: 200, body: 2 });
  t.equal(await second.stop(), 0);
  const { code, output } = await runCli(t, ['inspect', 'counter', 'a'], { ...env, ADMIN_HOST_PORT: '' });
  t.match(output, /"n": 2/);
  t.equal(code, 0);
  for (const url of urls) {
    t.strictSame(await redisCommand({ url }, 'ACL', 'LOG'), [], 'nothing was asked for that they forbid');
  }
  t.notMatch(first.output + second.output + output, SECRETS);
}

t.test('Sentinels, and a replica that acknowledges', async (t) => {
  const tls = await makeCertificate(t);
  const config = {
    'tls-replication': 'yes',
    'tls-ca-cert-file': tls.certFile,
    'repl-diskless-sync-delay': '0',
  };
  const master = await startRedis(t, { tls, config });
  const replica = await startReplica(t, master, { tls, config });
  const sentinels = await startSentinels(t, master, { downAfterMs: 60_000, tls });
  const servers = [master.url, replica.url];
  for (const url of servers) for (const line of [USER, WAIT]) await grant(url, line);
  for (const url of sentinels.urls) await grant(url, SENTINEL);
  const env = {
    REDIS_SENTINELS: sentinels.list,
    REDIS_URL: LOGIN,
    REDIS_SENTINEL_USER: 'warren',
    REDIS_SENTINEL_PASSWORD: 'another-long-random-password',
    REDIS_REPLICAS_ACK: '1',
    NODE_EXTRA_CA_CERTS: tls.certFile,
  };
  await servesTwice(t, env, [...servers, ...sentinels.urls]);
});

t.test('a cluster', async (t) => {
  const tls = await makeCertificate(t);
  const config = { 'tls-cluster': 'yes', 'tls-replication': 'yes', 'tls-ca-cert-file': tls.certFile };
  const nodes = await startCluster(t, 3, { tls, config });
  const urls = nodes.map(({ url }) => url);
  for (const url of urls) for (const line of [USER, READWRITE]) await grant(url, line);
  const env = {
    REDIS_CLUSTER: nodes.map(({ hostPort }) => hostPort).join(','),
    REDIS_URL: LOGIN,
    NODE_EXTRA_CA_CERTS: tls.certFile,
  };
  await servesTwice(t, env, urls);
});

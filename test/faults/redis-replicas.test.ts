/** A master that dies together with Warren: what was answered is on the replica, when each commit waits for it. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { ACTORS, ready } from '../support/actor-server.js';
import { CounterLoad } from '../support/counter-load.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { QUICK, startReplica } from '../support/redis-replica.js';
import { startWarren } from '../support/warren-process.js';

const FENCE = 'warren:{0}:fence';
/** With a short grace, which ends while the replica stands still. */
const env = { ACTORS, REDIS_REPLICAS_ACK: '1', STORE_GRACE_MS: '1000' };

t.test(
  'what the replica does not have is not answered, and what was answered outlives the master and Warren',
  async (t) => {
    const master = await startRedis(t, QUICK);
    const replica = await startReplica(t, master);
    const warren = await startWarren(t, { env: { ...env, REDIS_URL: master.url } });
    await ready(warren);
    const load = new CounterLoad({ url: warren.url, clients: 10, keys: 5 });
    await load.more(200);

    replica.pause();
    await warren.waitForLog(
      ({ msg, reason }) => msg === 'the store is away' && /0 of 1 replicas/.test(String(reason)),
    );
    const before = load.acknowledged;
    t.match(await fetch(`${warren.url}/counter/k0/add`, { method: 'POST' }), { status: 503 });
    t.equal(load.acknowledged, before, 'nothing is answered meanwhile');
    replica.resume();
    await load.more(200);
    t.ok(load.others.has(504), 'the commit that was sent is told as unknown');

    // What the master confirms from now on is on no replica, and nobody is left who knows of it.
    await redisCommand(master, 'ACL', 'SETUSER', 'default', '-psync', '-sync');
    await redisCommand(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
    const fence = () => redisCommand(master, 'GET', FENCE);
    for (const known = await fence(); (await fence()) === known; ) await delay(5);
    warren.kill();
    await warren.exited;
    await master.kill();
    await redisCommand(replica, 'REPLICAOF', 'NO', 'ONE');
    await load.end();
    const successor = await warren.again({ REDIS_URL: replica.url, REDIS_REPLICAS_ACK: '0' });
    await ready(successor);
    await load.judge();
    t.comment({ acknowledged: load.acknowledged, others: Object.fromEntries(load.others) });
  },
);

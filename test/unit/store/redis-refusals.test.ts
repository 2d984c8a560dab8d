/** What Redis says, word for word, and what is made of it: an example for every row of the table. */
import t from 'tap';
import { type Effect, REFUSALS, refusalOf } from '../../../src/store/redis/refusals.js';

/** As redis-server 7.0 says it, but where another version is named. */
const SAID: Record<Effect, readonly string[]> = {
  passes: [
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'ERR Script attempted to access a non local key in a cluster node script: 985c, on @user_script:5.',
    'CLUSTERDOWN Hash slot not served',
    'CLUSTERDOWN The cluster is down',
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM command not allowed when used memory > 'maxmemory'. script: 9b70, on @user_script:1.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist on disk.',
    'NOREPLICAS Not enough good replicas to write.',
    'NOSCRIPT No matching script. Please use EVAL.',
    // Redis 6, of a command in a script.
    "ERR Error running script (call to f_6b1bf): @user_script:5: @user_script: 5: -OOM command not allowed when used memory > 'maxmemory'.",
  ],
  'new-connection': [
    "READONLY You can't write against a read only replica.",
    "READONLY You can't write against a read only replica. script: 9b70, on @user_script:1.",
    "ERR Error running script (call to f_6b1bf): @user_script:5: @user_script: 5: -READONLY You can't write against a read only replica.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    'ERR max number of clients reached',
    'ERR max number of clients + cluster connections reached',
  ],
  redirected: ['MOVED 13907 127.0.0.1:7001', 'ASK 13907 127.0.0.1:7001'],
  never: [
    "CROSSSLOT Keys in request don't hash to the same slot",
    'ERR This instance has cluster support disabled',
    'ERR No such master with that name',
    "ERR unknown command 'SENTINEL', with args beginning with: 'MASTER' 'mymaster' ",
    'ERR unknown command `SENTINEL`, with args beginning with: `MASTER`, `mymaster`, ',
    'NOPERM this user has no permissions to access one of the keys used as arguments',
    // Redis 7.2 and later.
    "NOPERM ACL failure in script: User warren has no permissions to run the 'set' command",
    "ERR The user executing the script can't run this command or subcommand script: 9b70, on @user_script:1.",
    "ERR Error running script (call to f_6b1bf): @user_script:5: @user_script: 5: The user executing the script can't run this command or subcommand",
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'ERR invalid password',
    "ERR wrong number of arguments for 'auth' command",
    'DENIED Redis is running in protected mode because protected mode is enabled and no password is set',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "ERR unknown command 'EVALSHA', with args beginning with: '9b70' ",
    'ERR unknown command `EVALSHA`, with args beginning with: ',
    'ERR Unknown Redis command called from script script: 985c, on @user_script:1.',
    'ERR DB index is out of range',
    'ERR invalid DB index',
    'ERR SELECT is not allowed in cluster mode',
  ],
};

for (const refusal of REFUSALS) {
  t.test(`${refusal.says}: ${refusal.effect}`, async (t) => {
    const examples = SAID[refusal.effect].filter((message) => refusalOf(message) === refusal);
    t.ok(examples.length > 0, 'an example of it is found by its row');
    t.equal(
      refusal.cure !== undefined,
      refusal.effect === 'never' || refusal.effect === 'redirected',
      'an operator is told what to do, and only where it takes one',
    );
  });
}

t.test('every example has a row, and of its effect', async (t) => {
  for (const [effect, messages] of Object.entries(SAID)) {
    for (const message of messages) t.equal(refusalOf(message)?.effect, effect, message);
  }
});

t.test('what the table does not know proves nothing', async (t) => {
  for (const message of [
    '',
    'ERR',
    'ERR upstream failure',
    'upstream failure',
    'ERR Connection timed out',
    'ERR Script killed by user with SCRIPT KILL...',
    'BUSYKEY Target key name already exists.',
    'READONLYISH of another kind',
    'ERR LOADING in the middle',
    'ERR Error running script (call to f_6b1bf): @user_script:5: user_script:5: Script attempted something else',
  ]) {
    t.equal(refusalOf(message), undefined, message);
  }
});

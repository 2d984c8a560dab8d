/**
 * What Redis says when it refuses a command, what that means for the connection, and whether it can pass. The one table of it.
 *
 * Every row proves that the command has had no effect. A message without a row proves nothing: a proxy between us and Redis
 * answers with errors of its own, also for a command that it had passed on.
 */

/**
 * `passes`: ask again later, on the same connection. `new-connection`: the server behind this connection will not serve us,
 * the one behind the next may. `elsewhere`: another node of a cluster has the keys; where no cluster is expected, that is as `never`. `never`: it stays so until
 * an operator has mended it.
 */
export type Effect = 'passes' | 'new-connection' | 'elsewhere' | 'never';

export interface Refusal {
  /** How the message begins. */
  readonly says: string;
  readonly effect: Effect;
  /** For what never passes: what an operator can do. */
  readonly cure?: string;
}

const CLUSTER = 'This Redis is a node of a cluster: name its nodes in REDIS_CLUSTER.';
const NO_SENTINEL = 'REDIS_SENTINELS names a server that is no Sentinel.';
const RIGHTS = 'Give the user the rights that docs/operations/runbook.md lists.';
const LOGIN =
  'Set user and password as Redis knows them: in REDIS_URL, and those of Sentinels in REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD.';
const DATABASE = 'Name another database in REDIS_URL, or none.';
const SCRIPTS = 'Warren needs a Redis with Lua scripts.';

export const REFUSALS: readonly Refusal[] = [
  { says: 'LOADING', effect: 'passes' },
  { says: 'BUSY', effect: 'passes' },
  { says: 'TRYAGAIN', effect: 'passes' },
  // While a slot moves, of a key that only the reading scripts find out themselves.
  { says: 'ERR Script attempted to access a non local key in a cluster node', effect: 'passes' },
  { says: 'CLUSTERDOWN', effect: 'passes' },
  { says: 'OOM', effect: 'passes' },
  { says: 'MISCONF', effect: 'passes' },
  { says: 'NOREPLICAS', effect: 'passes' },
  // The script itself was sent again by then.
  { says: 'NOSCRIPT', effect: 'passes' },

  { says: 'READONLY', effect: 'new-connection' },
  { says: 'MASTERDOWN', effect: 'new-connection' },
  { says: 'UNBLOCKED', effect: 'new-connection' },
  // Said to a connection that is then closed.
  { says: 'ERR max number of clients', effect: 'new-connection' },

  {
    says: 'CROSSSLOT',
    effect: 'never',
    cure: 'All keys of a store have one hash tag: something between here and Redis rewrites them.',
  },
  { says: 'MOVED', effect: 'elsewhere', cure: CLUSTER },
  { says: 'ASK', effect: 'elsewhere', cure: CLUSTER },
  {
    says: 'ERR This instance has cluster support disabled',
    effect: 'never',
    cure: 'REDIS_CLUSTER names a server that is no node of a cluster: name it in REDIS_URL instead.',
  },
  {
    says: 'ERR No such master with that name',
    effect: 'never',
    cure: 'Set REDIS_SENTINEL_NAME to what the Sentinels call the master.',
  },
  { says: "ERR unknown command 'SENTINEL'", effect: 'never', cure: NO_SENTINEL },
  { says: 'ERR unknown command `SENTINEL`', effect: 'never', cure: NO_SENTINEL },
  { says: 'NOPERM', effect: 'never', cure: RIGHTS },
  // Of a command in a script, until Redis 7.0.
  { says: "ERR The user executing the script can't", effect: 'never', cure: RIGHTS },
  { says: 'NOAUTH', effect: 'never', cure: LOGIN },
  { says: 'WRONGPASS', effect: 'never', cure: LOGIN },
  // Redis 5 and older.
  { says: 'ERR invalid password', effect: 'never', cure: LOGIN },
  {
    says: "ERR wrong number of arguments for 'auth' command",
    effect: 'never',
    cure: 'This Redis has no users: leave the user out of REDIS_URL.',
  },
  {
    says: 'DENIED',
    effect: 'never',
    cure: 'Set a password in Redis and in REDIS_URL, or turn protected-mode off.',
  },
  { says: 'WRONGTYPE', effect: 'never', cure: 'The key holds no string: it belongs to another program.' },
  { says: 'ERR unknown command', effect: 'never', cure: SCRIPTS },
  { says: 'ERR Unknown Redis command called from', effect: 'never', cure: SCRIPTS },
  { says: 'ERR DB index is out of range', effect: 'never', cure: DATABASE },
  { says: 'ERR invalid DB index', effect: 'never', cure: DATABASE },
  { says: 'ERR SELECT is not allowed in cluster mode', effect: 'never', cure: DATABASE },
];

/** Until version 6 Redis wraps what a command in a script has said. */
const WRAPPED = /^ERR Error running script \(call to \w+\): (?:@user_script: ?\d+: )*-?/;
const CODE = /^[A-Z]+ /;

/** @returns undefined for a message that proves nothing. */
export function refusalOf(message: string): Refusal | undefined {
  const unwrapped = message.replace(WRAPPED, '');
  const said = unwrapped === message || CODE.test(unwrapped) ? unwrapped : `ERR ${unwrapped}`;
  return REFUSALS.find(
    ({ says }) => said === says || (said.startsWith(says) && /^\W/.test(said.slice(says.length))),
  );
}

/**
 * The table of the errors with which Redis refuses a command: what each means for the connection, and whether it passes by itself.
 *
 * An error in this table proves that the command had no effect. Any other error proves nothing: a proxy between Warren and Redis answers
 * with errors of its own, also to a command that it has passed on.
 */

/**
 * - `passes`: try again later, on the same connection.
 * - `new-connection`: this server will not serve us; a new connection may lead to one that will.
 * - `redirected`: another node of a cluster has the keys. Where no cluster is configured, this is as `never`.
 * - `never`: the refusal stays until an operator changes something.
 */
export type Effect = 'passes' | 'new-connection' | 'redirected' | 'never';

export interface Refusal {
  /** How the error message begins. */
  readonly says: string;
  readonly effect: Effect;
  /** What an operator can do about it. */
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
  // While a slot moves: only scripts that read use keys which the caller has not named.
  { says: 'ERR Script attempted to access a non local key in a cluster node', effect: 'passes' },
  { says: 'CLUSTERDOWN', effect: 'passes' },
  { says: 'OOM', effect: 'passes' },
  { says: 'MISCONF', effect: 'passes' },
  { says: 'NOREPLICAS', effect: 'passes' },
  // `RedisConnection` has sent the text of the script by then, and Redis has lost it again.
  { says: 'NOSCRIPT', effect: 'passes' },

  { says: 'READONLY', effect: 'new-connection' },
  { says: 'MASTERDOWN', effect: 'new-connection' },
  { says: 'UNBLOCKED', effect: 'new-connection' },
  // Redis sends this and closes the connection.
  { says: 'ERR max number of clients', effect: 'new-connection' },

  {
    says: 'CROSSSLOT',
    effect: 'never',
    cure: 'All keys of a store have one hash tag: something between here and Redis rewrites them.',
  },
  { says: 'MOVED', effect: 'redirected', cure: CLUSTER },
  { says: 'ASK', effect: 'redirected', cure: CLUSTER },
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
  // For a command in a script, until Redis 7.0.
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

/** What Redis puts before the error of a command in a script, until version 6. */
const WRAPPED = /^ERR Error running script \(call to \w+\): (?:@user_script: ?\d+: )*-?/;
const CODE = /^[A-Z]+ /;

/** @returns undefined for an error that is not in the table. */
export function refusalOf(message: string): Refusal | undefined {
  const unwrapped = message.replace(WRAPPED, '');
  const said = unwrapped === message || CODE.test(unwrapped) ? unwrapped : `ERR ${unwrapped}`;
  return REFUSALS.find(
    ({ says }) => said === says || (said.startsWith(says) && /^\W/.test(said.slice(says.length))),
  );
}

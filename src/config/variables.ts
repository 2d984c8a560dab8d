/**
 * The environment variables. Each is defined here, once: its name, its default as an operator would write it, which values are valid, what it
 * means, and which field of `Config` it fills. `--help`, the table in `docs/configuration.md`, the types of `Config` and of the library's settings follow from this.
 *
 * `fills` is left out where a field is made from several variables: `parts.ts` does that.
 */
import type { GenericSchema, InferOutput } from 'valibot';
import {
  actorList,
  bytes,
  hostPort,
  integer,
  KIB,
  MIB,
  milliseconds,
  nodeHostPort,
  nonEmpty,
  oneOf,
  onOff,
  optionalHostPort,
  origins,
  redisHostPort,
  redisNodes,
  redisPrefix,
  redisUrl,
  shardCount,
  text,
  token,
  zeroOr,
} from './schemas.js';

interface Variable {
  readonly fills?: string;
  readonly fallback: string;
  readonly schema: GenericSchema;
  readonly meaning: string;
  /** The library has it as a setting, too. */
  readonly setting?: true;
}

export const VARIABLES = {
  ACTORS: {
    fallback: 'fibonacci',
    schema: actorList,
    meaning:
      'modules of actors, and built-in actors (fibonacci), separated by commas; warren serve FILE… replaces it',
  },
  SERVING_HOST_PORT: {
    fills: 'serving',
    fallback: '0.0.0.0:8080',
    schema: hostPort,
    meaning: 'address to serve on; port 0 takes a free one',
    setting: true,
  },
  ADMIN_HOST_PORT: {
    fallback: '127.0.0.1:9090',
    schema: optionalHostPort,
    meaning: 'address of the live page and /metrics; empty for none',
  },
  ADMIN_TOKEN: {
    fallback: '',
    schema: token,
    meaning: 'token for the admin address; required unless that is a loopback address',
  },
  CORS_ORIGIN: {
    fills: 'corsOrigins',
    fallback: '',
    schema: origins,
    meaning: 'origins whose web pages may read answers, separated by commas; * for any; empty for none',
    setting: true,
  },
  STORE: {
    fallback: '',
    schema: oneOf(['', 'level', 'redis', 'memory'], 'must be level, redis or memory'),
    meaning: 'level, redis or memory; by default redis when a REDIS_ address is set, else level',
    setting: true,
  },
  DATA_DIR: {
    fallback: './data',
    schema: nonEmpty,
    meaning: 'folder of the level store',
    setting: true,
  },
  REDIS_URL: {
    fallback: '',
    schema: redisUrl,
    meaning: 'redis:// or rediss:// address, with credentials and a database number as needed',
    setting: true,
  },
  REDIS_HOST_PORT: {
    fallback: '',
    schema: redisHostPort,
    meaning:
      'Redis address without credentials, used when REDIS_URL is not set; 127.0.0.1:6379 with STORE=redis alone',
    setting: true,
  },
  REDIS_SENTINELS: {
    fallback: '',
    schema: redisNodes,
    meaning:
      'host:port of each Sentinel, separated by commas; REDIS_URL then gives login, database and TLS alone',
    setting: true,
  },
  REDIS_SENTINEL_NAME: {
    fallback: 'mymaster',
    schema: nonEmpty,
    meaning: 'what the Sentinels call the master',
    setting: true,
  },
  REDIS_SENTINEL_USER: {
    fallback: '',
    schema: text,
    meaning: 'user at the Sentinels themselves; empty for the default user',
    setting: true,
  },
  REDIS_SENTINEL_PASSWORD: {
    fallback: '',
    schema: text,
    meaning: 'password at the Sentinels themselves; empty for none',
    setting: true,
  },
  REDIS_CLUSTER: {
    fallback: '',
    schema: redisNodes,
    meaning:
      'host:port of some nodes of a Redis Cluster, with commas; REDIS_URL then gives login and TLS alone',
    setting: true,
  },
  REDIS_REPLICAS_ACK: {
    fallback: '0',
    schema: integer(0, 100),
    meaning: 'replicas of Redis that must have a commit before its replies leave; 0: the master alone',
    setting: true,
  },
  NODE_HOST_PORT: {
    fallback: '',
    schema: nodeHostPort,
    meaning:
      'address of this node for the other nodes on the same Redis, by default a free port of 127.0.0.1; none: it stands by while another one serves',
    setting: true,
  },
  NODE_TOKEN: {
    fallback: '',
    schema: token,
    meaning: 'token that all nodes share; required unless NODE_HOST_PORT is a loopback address',
    setting: true,
  },
  SHARDS: {
    fallback: '',
    schema: shardCount,
    meaning:
      'shards of a new store, by default 64 on Redis; one that is there keeps its number. level and memory have 1',
    setting: true,
  },
  INSTANCE_ID: {
    fills: 'instance',
    fallback: '',
    schema: text,
    meaning: 'name of this process among the instances on one Redis; by default host name and port',
    setting: true,
  },
  LEASE_MS: {
    fills: 'leaseMs',
    fallback: '3000',
    schema: integer(300, 3_600_000),
    meaning:
      'another instance on the same Redis takes over when the owner has committed nothing for this long',
    setting: true,
  },
  DURABILITY: {
    fills: 'durability',
    fallback: 'gated',
    schema: oneOf(['gated', 'async'], 'must be gated or async'),
    meaning: 'gated: a reply waits for its commit; async: the commit follows the replies',
    setting: true,
  },
  INITIAL_INDEX: {
    fills: 'initialIndex',
    fallback: '0',
    schema: integer(0, 100_000_000),
    meaning: 'index at which a fresh sequence starts',
  },
  MAX_INDEX: {
    fills: 'maxIndex',
    fallback: '20000000',
    schema: integer(1, 100_000_000),
    meaning: 'last index handed out',
  },
  MAILBOX_LIMIT: {
    fills: 'mailboxLimit',
    fallback: '16384',
    schema: integer(1, 1_048_576),
    meaning: 'largest number of requests that wait for the owner; further ones are answered 503',
    setting: true,
  },
  CONNECTION_LIMIT: {
    fills: 'connectionLimit',
    fallback: '0',
    schema: zeroOr(1, 1_000_000),
    meaning:
      'largest number of open connections; further ones are closed at once; 0: what the limit of open files allows',
    setting: true,
  },
  SHED_AFTER_MS: {
    fills: 'shedAfterMs',
    fallback: '1000',
    schema: milliseconds,
    meaning: 'new requests are answered 503 while the oldest one has waited longer than this',
    setting: true,
  },
  ASK_TIMEOUT_MS: {
    fills: 'askTimeoutMs',
    fallback: '5000',
    schema: milliseconds,
    meaning: 'a request that has no answer after this time gets 504',
    setting: true,
  },
  COMMIT_TIMEOUT_MS: {
    fills: 'commitTimeoutMs',
    fallback: '1000',
    schema: milliseconds,
    meaning: 'a commit that the store has not answered after this time counts as unknown',
    setting: true,
  },
  STORE_GRACE_MS: {
    fills: 'storeGraceMs',
    fallback: '1000',
    schema: integer(0, 3_600_000),
    meaning: 'requests are held this long when the store goes away, then answered 503',
    setting: true,
  },
  REDIS_PREFIX: {
    fallback: 'warren',
    schema: redisPrefix,
    meaning: 'first part of the names of all keys in Redis',
    setting: true,
  },
  SERVING_TOKEN: {
    fills: 'servingToken',
    fallback: '',
    schema: token,
    meaning: 'bearer token that every path but /health and /ready requires',
    setting: true,
  },
  BODY_LIMIT_KB: {
    fills: 'bodyLimitBytes',
    fallback: '64',
    schema: bytes(KIB, 1024),
    meaning: 'largest body of a command',
    setting: true,
  },
  STATE_LIMIT_KB: {
    fills: 'stateLimitBytes',
    fallback: '1024',
    schema: bytes(KIB, 1024),
    meaning: 'largest state of an actor',
    setting: true,
  },
  REPLY_LIMIT_KB: {
    fills: 'replyLimitBytes',
    fallback: '1024',
    schema: bytes(KIB, 1024),
    meaning: 'largest reply of an actor',
    setting: true,
  },
  STATE_MEMORY_MB: {
    fills: 'stateMemoryBytes',
    fallback: '24',
    schema: bytes(MIB, 65_536),
    meaning: 'memory for states of actors; the least recently used leave it first',
    setting: true,
  },
  IDEMPOTENCY_HOURS: {
    fills: 'idempotencyHours',
    fallback: '24',
    schema: integer(1, 8760),
    meaning: 'an Idempotency-Key is kept for at least this long; time without a server does not count',
    setting: true,
  },
  IDEMPOTENCY_MB: {
    fills: 'idempotencyBytes',
    fallback: '256',
    schema: bytes(MIB, 65_536),
    meaning: 'room in the store for Idempotency-Keys and their answers; when it is full, a new key gets 503',
    setting: true,
  },
  REPAIR_MEMORY_MB: {
    fills: 'repairMemoryBytes',
    fallback: '8',
    schema: bytes(MIB, 1024),
    meaning: 'memory for the last commits, which are written again when Redis has lost them',
    setting: true,
  },
  FORMAT_THREADS: {
    fills: 'formatThreads',
    fallback: '2',
    schema: integer(1, 2),
    meaning: 'threads that convert the first two numbers to decimal after a start at a large index: 1 or 2',
  },
  FORMAT_TIMEOUT_MS: {
    fills: 'formatTimeoutMs',
    fallback: '120000',
    schema: milliseconds,
    meaning: 'a conversion that takes longer counts as hung and is tried again',
  },
  UNSENT_MEMORY_MB: {
    fills: 'unsentMemoryBytes',
    fallback: '64',
    schema: bytes(MIB, 65_536),
    meaning:
      'memory for answers that slow clients have not read; when it is full, the slowest is disconnected',
  },
  SEND_TIMEOUT_MS: {
    fills: 'sendTimeoutMs',
    fallback: '10000',
    schema: milliseconds,
    meaning: 'a client that reads nothing of its answer for this long is disconnected',
  },
  WATCHDOG_MS: {
    fills: 'watchdogMs',
    fallback: '3000',
    schema: zeroOr(500, 3_600_000),
    meaning: 'a thread that has not responded for this long counts as hung; 0 turns that off, for a debugger',
    setting: true,
  },
  RESTART_LIMIT: {
    fills: 'restartLimit',
    fallback: '100',
    schema: integer(0, 1_000_000),
    meaning: 'more deaths of the owner thread than this within RESTART_WINDOW_MS end the process',
    setting: true,
  },
  RESTART_WINDOW_MS: {
    fills: 'restartWindowMs',
    fallback: '10000',
    schema: milliseconds,
    meaning: 'see RESTART_LIMIT',
    setting: true,
  },
  SHUTDOWN_TIMEOUT_MS: {
    fills: 'shutdownTimeoutMs',
    fallback: '8000',
    schema: milliseconds,
    meaning: 'longest time for a clean stop',
    setting: true,
  },
  OWNER_HEAP_MB: {
    fills: 'ownerHeapMb',
    fallback: '64',
    schema: integer(16, 65_536),
    meaning: 'heap limit of the owner thread',
    setting: true,
  },
  FORMAT_HEAP_MB: {
    fills: 'formatHeapMb',
    fallback: '48',
    schema: integer(16, 65_536),
    meaning: 'heap limit of a format thread',
    setting: true,
  },
  FAULTS: {
    fills: 'faults',
    fallback: 'off',
    schema: onOff,
    meaning: 'on: the live page can inject faults, and SIGUSR2 ends the owner thread',
  },
  LOG_LEVEL: {
    fills: 'logLevel',
    fallback: 'info',
    schema: oneOf(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    ),
    meaning: 'trace, debug, info, warn, error, fatal or silent',
    setting: true,
  },
} as const satisfies Record<string, Variable>;

type Table = typeof VARIABLES;
export type VariableName = keyof Table;

/** In the order of the table. */
export const VARIABLE_NAMES = Object.keys(VARIABLES) as VariableName[];

/** What the variables say, by their names. */
export type Values = { readonly [Name in VariableName]: InferOutput<Table[Name]['schema']> };

/** The fields of `Config` that are a variable's value as it is. */
export type PlainFields = {
  readonly [Name in VariableName as Table[Name] extends { fills: infer Field extends string }
    ? Field
    : never]: Values[Name];
};

export type SettingName = {
  [Name in VariableName]: Table[Name] extends { setting: true } ? Name : never;
}[VariableName];

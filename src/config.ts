/**
 * Environment variables to one frozen, validated `Config`. Every problem is reported at once, and no value that may
 * carry a credential is ever repeated in a message.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { WarrenError } from './errors.js';
import { digitsUpTo } from './residents/fibonacci/fibonacci.js';
import type { StoreConfig } from './store/open-store.js';
import { siblingKeyOf } from './store/redis/redis-keys.js';
import { parseRedisUrl } from './store/redis/redis-url.js';
import { VARIABLES } from './variables.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** More than the JSON around the digits of a number. */
const ROOM_AROUND_DIGITS = 1024;
/** 16 characters are beyond guessing over a network, when they are random. */
const TOKEN_LENGTH = 16;

/** The built-in actor. */
const FIBONACCI = 'fibonacci';

type Name = (typeof VARIABLES)[number]['name'];

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST_PORT = /^(?:\[(?<bracketed>[0-9a-fA-F:.]+)\]|(?<plain>[^\s:[\]/@]*)):(?<port>\d{1,5})$/;

function integer(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, `must be an integer from ${min} to ${max}`),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

/** 0 is off. */
function zeroOr(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, `must be 0, or an integer from ${min} to ${max}`),
    v.transform(Number),
    v.check((value) => value === 0 || value >= min, `must be 0, or at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

function hostPort(emptyAllowed: boolean) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, HostPort | undefined>(({ dataset, addIssue, NEVER }) => {
      if (dataset.value === '' && emptyAllowed) return undefined;
      const parts = HOST_PORT.exec(dataset.value)?.groups;
      const port = Number(parts?.['port']);
      if (!parts || port > 65535) {
        addIssue({ message: 'must be host:port, with a port from 0 to 65535' });
        return NEVER;
      }
      return { host: parts['bracketed'] ?? parts['plain'] ?? '', port };
    }),
  );
}

const redisUrl = v.pipe(
  v.string(),
  v.check(
    (text) => text === '' || parseRedisUrl(text) !== undefined,
    'must be a redis:// or rediss:// URL with a host, percent-encoded credentials, and nothing behind them but a port and a database number',
  ),
);

/** As browsers send it: no path, no credentials, no default port, lower case. */
function isOrigin(text: string): boolean {
  return /^https?:[^*]*$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const nonEmpty = v.pipe(v.string(), v.nonEmpty('must not be empty'));
const milliseconds = integer(1, 3_600_000);

const token = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]*$/, 'must be of visible ASCII characters'),
  v.check(
    (token) => token === '' || token.length >= TOKEN_LENGTH,
    `must have ${TOKEN_LENGTH} characters at least`,
  ),
);

const actorNames = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((name) => name.trim())),
  v.check((names) => !names.includes(''), 'must be files separated by commas, or fibonacci'),
  v.check(
    (names) => names.length === 1 || !names.includes(FIBONACCI),
    `must name ${FIBONACCI} alone: it is not served beside other actors`,
  ),
  v.transform((names) =>
    names[0] === FIBONACCI ? [] : names.map((name) => pathToFileURL(resolve(name)).href),
  ),
);

const FIELDS = {
  ACTORS: actorNames,
  SERVING_HOST_PORT: hostPort(false),
  ADMIN_HOST_PORT: hostPort(true),
  ADMIN_TOKEN: token,
  CORS_ORIGIN: v.pipe(
    v.string(),
    v.transform((text) => (text === '' ? [] : text.split(',').map((origin) => origin.trim()))),
    v.check(
      (origins) => (origins.length === 1 && origins[0] === '*') || origins.every(isOrigin),
      'must be *, or origins such as https://app.example, separated by commas',
    ),
  ),
  STORE: v.picklist(['', 'level', 'redis', 'memory'], 'must be level, redis or memory'),
  DATA_DIR: nonEmpty,
  REDIS_URL: redisUrl,
  REDIS_HOST_PORT: v.pipe(
    hostPort(true),
    v.check(
      (address) => !address || parseRedisUrl(redisUrlOf(address)) !== undefined,
      'must be the name or address of a host, and a port above 0',
    ),
  ),
  REDIS_KEY: v.pipe(
    nonEmpty,
    v.check(
      (key) => siblingKeyOf(key, 'any') !== undefined,
      'must have a hash tag, such as {0}, when it has a }',
    ),
  ),
  INSTANCE_ID: v.string(),
  LEASE_MS: integer(300, 3_600_000),
  DURABILITY: v.picklist(['gated', 'async'], 'must be gated or async'),
  INITIAL_INDEX: integer(0, 100_000_000),
  MAX_INDEX: integer(1, 100_000_000),
  MAILBOX_LIMIT: integer(1, 1_048_576),
  CONNECTION_LIMIT: zeroOr(1, 1_000_000),
  SHED_AFTER_MS: milliseconds,
  ASK_TIMEOUT_MS: milliseconds,
  COMMIT_TIMEOUT_MS: milliseconds,
  STORE_GRACE_MS: integer(0, 3_600_000),
  REDIS_PREFIX: v.pipe(v.string(), v.regex(/^[^{}\s]+$/, 'must be text without braces and spaces')),
  SERVING_TOKEN: token,
  BODY_LIMIT_KB: integer(1, 1024),
  STATE_LIMIT_KB: integer(1, 1024),
  REPLY_LIMIT_KB: integer(1, 1024),
  STATE_MEMORY_MB: integer(1, 65536),
  REPAIR_MEMORY_MB: integer(1, 1024),
  FORMAT_THREADS: integer(1, 2),
  FORMAT_TIMEOUT_MS: milliseconds,
  UNSENT_MEMORY_MB: integer(1, 65536),
  SEND_TIMEOUT_MS: milliseconds,
  WATCHDOG_MS: zeroOr(500, 3_600_000),
  RESTART_LIMIT: integer(0, 1_000_000),
  RESTART_WINDOW_MS: milliseconds,
  SHUTDOWN_TIMEOUT_MS: milliseconds,
  OWNER_HEAP_MB: integer(16, 65536),
  FORMAT_HEAP_MB: integer(16, 65536),
  FAULTS: v.picklist(['on', 'off'], 'must be on or off'),
  LOG_LEVEL: v.picklist(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'must be trace, debug, info, warn, error, fatal or silent',
  ),
} satisfies Record<Name, v.GenericSchema<string, unknown>>;

/**
 * Relations are checked as soon as the fields that they name are valid, so that they are reported with the rest. Each
 * stands against one of its fields: an issue without a field would keep the relations after it from being checked.
 */
const SCHEMA = v.pipe(
  v.object(FIELDS),
  v.forward(
    v.partialCheck(
      [['INITIAL_INDEX'], ['MAX_INDEX']],
      ({ INITIAL_INDEX, MAX_INDEX }) => INITIAL_INDEX <= MAX_INDEX,
      'must not be above MAX_INDEX',
    ),
    ['INITIAL_INDEX'],
  ),
  v.forward(
    v.partialCheck(
      [['ADMIN_HOST_PORT'], ['ADMIN_TOKEN']],
      ({ ADMIN_HOST_PORT, ADMIN_TOKEN }) =>
        !ADMIN_HOST_PORT || isLoopback(ADMIN_HOST_PORT) || ADMIN_TOKEN !== '',
      'is required when ADMIN_HOST_PORT is not a loopback address',
    ),
    ['ADMIN_TOKEN'],
  ),
  // Otherwise a client would hear 504, outcome unknown, where 503, nothing happened, is the truth.
  v.forward(
    v.partialCheck(
      [['COMMIT_TIMEOUT_MS'], ['STORE_GRACE_MS'], ['ASK_TIMEOUT_MS']],
      ({ COMMIT_TIMEOUT_MS, STORE_GRACE_MS, ASK_TIMEOUT_MS }) =>
        COMMIT_TIMEOUT_MS + STORE_GRACE_MS < ASK_TIMEOUT_MS,
      'must be above COMMIT_TIMEOUT_MS plus STORE_GRACE_MS',
    ),
    ['ASK_TIMEOUT_MS'],
  ),
  // The rest of the heap is for the batch that is being loaded, its changes, and the modules.
  v.forward(
    v.partialCheck(
      [['STATE_MEMORY_MB'], ['OWNER_HEAP_MB']],
      ({ STATE_MEMORY_MB, OWNER_HEAP_MB }) => 2 * STATE_MEMORY_MB <= OWNER_HEAP_MB,
      'must not be above half of OWNER_HEAP_MB',
    ),
    ['STATE_MEMORY_MB'],
  ),
  v.forward(
    v.partialCheck(
      [['MAX_INDEX'], ['UNSENT_MEMORY_MB']],
      ({ MAX_INDEX, UNSENT_MEMORY_MB }) =>
        digitsUpTo(MAX_INDEX) + ROOM_AROUND_DIGITS <= UNSENT_MEMORY_MB * MIB,
      'must have room for the term at MAX_INDEX',
    ),
    ['UNSENT_MEMORY_MB'],
  ),
);

export interface AdminAddress extends HostPort {
  /** Nobody asked for this port: when another process has it, this one goes without. */
  readonly optional: boolean;
  /** Empty when the address is a loopback one and nothing is asked for. */
  readonly token: string;
}

export interface Config {
  /** file: URLs of the modules whose actors are served; empty for the Fibonacci sequence. */
  readonly actors: readonly string[];
  readonly serving: HostPort;
  readonly admin: AdminAddress | undefined;
  readonly corsOrigins: readonly string[];
  readonly store: StoreConfig;
  /** Empty for the default. */
  readonly instance: string;
  readonly durability: 'gated' | 'async';
  readonly initialIndex: number;
  readonly maxIndex: number;
  readonly mailboxLimit: number;
  /** 0: as many as fit. */
  readonly connectionLimit: number;
  readonly shedAfterMs: number;
  readonly askTimeoutMs: number;
  readonly commitTimeoutMs: number;
  readonly storeGraceMs: number;
  readonly leaseMs: number;
  readonly redisPrefix: string;
  /** Empty for none. */
  readonly servingToken: string;
  readonly bodyLimitBytes: number;
  readonly stateLimitBytes: number;
  readonly replyLimitBytes: number;
  readonly stateMemoryBytes: number;
  readonly repairMemoryBytes: number;
  readonly formatThreads: number;
  readonly formatTimeoutMs: number;
  readonly unsentMemoryBytes: number;
  readonly sendTimeoutMs: number;
  readonly watchdogMs: number;
  readonly restartLimit: number;
  readonly restartWindowMs: number;
  readonly shutdownTimeoutMs: number;
  readonly ownerHeapMb: number;
  readonly formatHeapMb: number;
  readonly faults: boolean;
  readonly logLevel: v.InferOutput<typeof SCHEMA>['LOG_LEVEL'];
}

/** @throws WarrenError `config-invalid`, with a line for every problem. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const raw = Object.fromEntries(
    VARIABLES.map(({ name, fallback }) => [name, environment[name] ?? fallback]),
  ) as Record<Name, string>;
  const parsed = v.safeParse(SCHEMA, raw);
  if (!parsed.success) {
    throw invalid(parsed.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message}`));
  }
  const values = parsed.output;
  return Object.freeze({
    actors: values.ACTORS,
    serving: values.SERVING_HOST_PORT as HostPort,
    admin: values.ADMIN_HOST_PORT && {
      ...values.ADMIN_HOST_PORT,
      optional: environment['ADMIN_HOST_PORT'] === undefined,
      token: values.ADMIN_TOKEN,
    },
    corsOrigins: Object.freeze(values.CORS_ORIGIN),
    store: Object.freeze(storeOf(values)),
    instance: values.INSTANCE_ID,
    durability: values.DURABILITY,
    initialIndex: values.INITIAL_INDEX,
    maxIndex: values.MAX_INDEX,
    mailboxLimit: values.MAILBOX_LIMIT,
    connectionLimit: values.CONNECTION_LIMIT,
    shedAfterMs: values.SHED_AFTER_MS,
    askTimeoutMs: values.ASK_TIMEOUT_MS,
    commitTimeoutMs: values.COMMIT_TIMEOUT_MS,
    storeGraceMs: values.STORE_GRACE_MS,
    leaseMs: values.LEASE_MS,
    redisPrefix: values.REDIS_PREFIX,
    servingToken: values.SERVING_TOKEN,
    bodyLimitBytes: values.BODY_LIMIT_KB * KIB,
    stateLimitBytes: values.STATE_LIMIT_KB * KIB,
    replyLimitBytes: values.REPLY_LIMIT_KB * KIB,
    stateMemoryBytes: values.STATE_MEMORY_MB * MIB,
    repairMemoryBytes: values.REPAIR_MEMORY_MB * MIB,
    formatThreads: values.FORMAT_THREADS,
    formatTimeoutMs: values.FORMAT_TIMEOUT_MS,
    unsentMemoryBytes: values.UNSENT_MEMORY_MB * MIB,
    sendTimeoutMs: values.SEND_TIMEOUT_MS,
    watchdogMs: values.WATCHDOG_MS,
    restartLimit: values.RESTART_LIMIT,
    restartWindowMs: values.RESTART_WINDOW_MS,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    ownerHeapMb: values.OWNER_HEAP_MB,
    formatHeapMb: values.FORMAT_HEAP_MB,
    faults: values.FAULTS === 'on',
    logLevel: values.LOG_LEVEL,
  });
}

function isLoopback({ host }: HostPort): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

type Values = v.InferOutput<typeof SCHEMA>;

function storeOf(values: Values): StoreConfig {
  const { REDIS_URL: url, REDIS_HOST_PORT: address, REDIS_KEY: key, LEASE_MS: leaseMs } = values;
  const kind = values.STORE || (url || address ? 'redis' : 'level');
  if (kind === 'memory') return { kind };
  if (kind === 'level') return { kind, folder: values.DATA_DIR };
  return {
    kind: 'redis',
    url: url || redisUrlOf(address ?? { host: '127.0.0.1', port: 6379 }),
    key,
    leaseMs,
  };
}

function redisUrlOf({ host, port }: HostPort): string {
  return `redis://${host.includes(':') ? `[${host}]` : host || 'localhost'}:${port}`;
}

function invalid(problems: string[]): WarrenError {
  return new WarrenError('config-invalid', problems.map((problem) => `  - ${problem}`).join('\n'));
}

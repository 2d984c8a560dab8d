/**
 * Rules between settings, such as "INITIAL_INDEX must not be above MAX_INDEX". A rule is checked as soon as the settings that it names are valid, so that it is
 * reported together with other mistakes. Each rule is attached to one setting, since valibot checks no further rule after one that has no field.
 */
import * as v from 'valibot';
import { digitsUpTo } from '../residents/fibonacci/fibonacci.js';
import { parseRedisUrl } from '../store/redis/redis-url.js';
import { type HostPort, MIB } from './schemas.js';
import { storeKindOf } from './store-kind.js';
import { VARIABLE_NAMES, VARIABLES } from './variables.js';

/** More than the JSON around the digits of a number. */
const ROOM_AROUND_DIGITS = 1024;

type Schemas = { [Name in keyof typeof VARIABLES]: (typeof VARIABLES)[Name]['schema'] };

const SCHEMAS = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, VARIABLES[name].schema])) as Schemas;

export const ENVIRONMENT = v.pipe(
  v.object(SCHEMAS),
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
  v.forward(
    v.partialCheck(
      [['NODE_HOST_PORT'], ['NODE_TOKEN']],
      ({ NODE_HOST_PORT: address, NODE_TOKEN }) =>
        !isAddress(address) || isLoopback(address) || isWildcard(address) || NODE_TOKEN !== '',
      'is required when NODE_HOST_PORT is not a loopback address',
    ),
    ['NODE_TOKEN'],
  ),
  v.forward(
    v.partialCheck(
      [['NODE_HOST_PORT']],
      ({ NODE_HOST_PORT: address }) => !isAddress(address) || !isWildcard(address),
      'must be an address at which other nodes reach this one, not one that stands for all',
    ),
    ['NODE_HOST_PORT'],
  ),
  v.forward(
    v.partialCheck(
      [['REDIS_SENTINELS'], ['REDIS_CLUSTER']],
      ({ REDIS_SENTINELS, REDIS_CLUSTER }) => REDIS_SENTINELS.length === 0 || REDIS_CLUSTER.length === 0,
      'cannot stand beside REDIS_SENTINELS: a cluster has no Sentinels. Leave out the one that you do not run',
    ),
    ['REDIS_CLUSTER'],
  ),
  v.forward(
    v.partialCheck(
      [['REDIS_HOST_PORT'], ['REDIS_SENTINELS'], ['REDIS_CLUSTER']],
      ({ REDIS_HOST_PORT, REDIS_SENTINELS, REDIS_CLUSTER }) =>
        !REDIS_HOST_PORT || (REDIS_SENTINELS.length === 0 && REDIS_CLUSTER.length === 0),
      'names one server, which REDIS_SENTINELS or REDIS_CLUSTER find: leave it out',
    ),
    ['REDIS_HOST_PORT'],
  ),
  v.forward(
    v.partialCheck(
      [['REDIS_URL'], ['REDIS_CLUSTER']],
      ({ REDIS_URL, REDIS_CLUSTER }) =>
        REDIS_CLUSTER.length === 0 || (parseRedisUrl(REDIS_URL)?.database ?? 0) === 0,
      'must not name a database with REDIS_CLUSTER: a cluster has number 0 alone',
    ),
    ['REDIS_URL'],
  ),
  v.forward(
    v.partialCheck(
      [['REDIS_SENTINELS'], ['REDIS_SENTINEL_USER'], ['REDIS_SENTINEL_PASSWORD']],
      ({ REDIS_SENTINELS, REDIS_SENTINEL_USER, REDIS_SENTINEL_PASSWORD }) =>
        REDIS_SENTINELS.length > 0 || (REDIS_SENTINEL_USER === '' && REDIS_SENTINEL_PASSWORD === ''),
      'must name the Sentinels that REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD are for; those of Redis itself belong in REDIS_URL',
    ),
    ['REDIS_SENTINELS'],
  ),
  v.forward(
    v.partialCheck(
      [
        ['STORE'],
        ['REDIS_URL'],
        ['REDIS_HOST_PORT'],
        ['REDIS_SENTINELS'],
        ['REDIS_CLUSTER'],
        ['REDIS_REPLICAS_ACK'],
      ],
      ({ REDIS_REPLICAS_ACK, ...store }) => REDIS_REPLICAS_ACK === 0 || storeKindOf(store) === 'redis',
      'needs a store on Redis: set its address as well, or leave this out',
    ),
    ['REDIS_REPLICAS_ACK'],
  ),
  v.forward(
    v.partialCheck(
      [['DURABILITY'], ['REDIS_REPLICAS_ACK']],
      ({ DURABILITY, REDIS_REPLICAS_ACK }) => REDIS_REPLICAS_ACK === 0 || DURABILITY === 'gated',
      'needs DURABILITY=gated: with async, replies do not wait for a commit',
    ),
    ['REDIS_REPLICAS_ACK'],
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
  v.forward(
    v.partialCheck(
      [['SHARDS'], ['STORE'], ['REDIS_URL'], ['REDIS_HOST_PORT'], ['REDIS_SENTINELS'], ['REDIS_CLUSTER']],
      (values) => (values.SHARDS ?? 1) === 1 || storeKindOf(values) === 'redis',
      'must be 1 where the store is not Redis',
    ),
    ['SHARDS'],
  ),
  // The rest of the heap is for the batch that is being loaded, its changes, and the modules.
  v.forward(
    v.partialCheck(
      [['STATE_MEMORY_MB'], ['OWNER_HEAP_MB']],
      ({ STATE_MEMORY_MB, OWNER_HEAP_MB }) => 2 * STATE_MEMORY_MB <= OWNER_HEAP_MB * MIB,
      'must not be above half of OWNER_HEAP_MB',
    ),
    ['STATE_MEMORY_MB'],
  ),
  v.forward(
    v.partialCheck(
      [['ACTORS'], ['MAX_INDEX'], ['UNSENT_MEMORY_MB']],
      ({ ACTORS, MAX_INDEX, UNSENT_MEMORY_MB }) =>
        !ACTORS.residents.includes('fibonacci') ||
        digitsUpTo(MAX_INDEX) + ROOM_AROUND_DIGITS <= UNSENT_MEMORY_MB,
      'must have room for the term at MAX_INDEX',
    ),
    ['UNSENT_MEMORY_MB'],
  ),
);

function isLoopback({ host }: HostPort): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isAddress(value: HostPort | 'none' | undefined): value is HostPort {
  return typeof value === 'object';
}

function isWildcard({ host }: HostPort): boolean {
  return ['', '0.0.0.0', '::'].includes(host);
}

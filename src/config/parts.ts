/** The fields of `Config` that are made from several environment variables: admin address, store, actors. */
import type { StoreConfig } from '../store/open-actor-store.js';
import type { SentinelPlace } from '../store/redis/redis-place.js';
import { type ActorList, type HostPort, redisUrlOf } from './schemas.js';
import { storeKindOf } from './store-kind.js';
import type { Values } from './variables.js';

const REDIS_SHARDS = 64;
/** Enough for nodes on one host. */
const LOOPBACK = { host: '127.0.0.1', port: 0 };
const DEFAULT_REDIS = { host: '127.0.0.1', port: 6379 };

export interface AdminAddress extends HostPort {
  /** The port is the default one: when another process has it, Warren serves without an admin listener. */
  readonly optional: boolean;
  /** Empty: no token is required. The address is a loopback one then. */
  readonly token: string;
}

export interface Parts extends ActorList {
  readonly admin: AdminAddress | undefined;
  readonly store: StoreConfig;
  /** Where other nodes reach this one; undefined for a store that no other process can reach. */
  readonly node: (HostPort & { readonly token: string }) | undefined;
  /** 1, or more on Redis. */
  readonly shards: number;
}

/** @param isAdminAsked the environment names an admin address. */
export function partsOf(values: Values, isAdminAsked: boolean): Parts {
  const store = storeOf(values);
  return {
    ...values.ACTORS,
    admin: values.ADMIN_HOST_PORT && {
      ...values.ADMIN_HOST_PORT,
      optional: !isAdminAsked,
      token: values.ADMIN_TOKEN,
    },
    store: Object.freeze(store),
    node:
      store.kind === 'redis' && values.NODE_HOST_PORT !== 'none'
        ? { ...(values.NODE_HOST_PORT ?? LOOPBACK), token: values.NODE_TOKEN }
        : undefined,
    shards: values.SHARDS ?? (store.kind === 'redis' ? REDIS_SHARDS : 1),
  };
}

function storeOf(values: Values): StoreConfig {
  const kind = storeKindOf(values);
  if (kind === 'memory') return { kind };
  if (kind === 'level') return { kind, folder: values.DATA_DIR };
  const { REDIS_SENTINELS: sentinels, REDIS_CLUSTER: cluster } = values;
  return {
    kind,
    url: values.REDIS_URL || redisUrlOf(values.REDIS_HOST_PORT ?? DEFAULT_REDIS),
    prefix: values.REDIS_PREFIX,
    ...(sentinels.length > 0 && { sentinels: sentinelsOf(values) }),
    ...(cluster.length > 0 && { cluster }),
    ...(values.REDIS_REPLICAS_ACK > 0 && { replicas: values.REDIS_REPLICAS_ACK }),
  };
}

function sentinelsOf(values: Values): SentinelPlace {
  return Object.freeze({
    nodes: values.REDIS_SENTINELS,
    master: values.REDIS_SENTINEL_NAME,
    username: values.REDIS_SENTINEL_USER,
    password: values.REDIS_SENTINEL_PASSWORD,
  });
}

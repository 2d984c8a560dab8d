/** The fields of `Config` that several variables fill together, or one variable fills several of. */
import type { StoreConfig } from '../store/open-actor-store.js';
import { type ActorList, type HostPort, redisUrlOf } from './schemas.js';
import type { Values } from './variables.js';

const DEFAULT_REDIS = { host: '127.0.0.1', port: 6379 };

export interface AdminAddress extends HostPort {
  /** Nobody asked for this port: when another process has it, this one goes without. */
  readonly optional: boolean;
  /** Empty when the address is a loopback one and nothing is asked for. */
  readonly token: string;
}

export interface Parts extends ActorList {
  readonly admin: AdminAddress | undefined;
  readonly store: StoreConfig;
}

/** @param isAdminAsked the environment names an admin address. */
export function partsOf(values: Values, isAdminAsked: boolean): Parts {
  return {
    ...values.ACTORS,
    admin: values.ADMIN_HOST_PORT && {
      ...values.ADMIN_HOST_PORT,
      optional: !isAdminAsked,
      token: values.ADMIN_TOKEN,
    },
    store: Object.freeze(storeOf(values)),
  };
}

function storeOf(values: Values): StoreConfig {
  const { REDIS_URL: url, REDIS_HOST_PORT: address, REDIS_PREFIX: prefix } = values;
  const kind = values.STORE || (url || address ? 'redis' : 'level');
  if (kind === 'memory') return { kind };
  if (kind === 'level') return { kind, folder: values.DATA_DIR };
  return { kind, url: url || redisUrlOf(address ?? DEFAULT_REDIS), prefix };
}

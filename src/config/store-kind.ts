/** Decides by the environment variables which kind of store is used. */
import type { StoreConfig } from '../store/open-actor-store.js';
import type { HostPort } from './schemas.js';

export interface StoreValues {
  readonly STORE: '' | StoreConfig['kind'];
  readonly REDIS_URL: string;
  readonly REDIS_HOST_PORT: HostPort | undefined;
  readonly REDIS_SENTINELS: readonly HostPort[];
  readonly REDIS_CLUSTER: readonly HostPort[];
}

export function storeKindOf(values: StoreValues): StoreConfig['kind'] {
  const { STORE, REDIS_URL, REDIS_HOST_PORT, REDIS_SENTINELS, REDIS_CLUSTER } = values;
  if (STORE !== '') return STORE;
  const isAddressed = REDIS_URL !== '' || REDIS_HOST_PORT !== undefined;
  return isAddressed || REDIS_SENTINELS.length > 0 || REDIS_CLUSTER.length > 0 ? 'redis' : 'level';
}

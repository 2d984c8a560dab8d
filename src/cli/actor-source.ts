/** Where a command gets actors from: it asks the running server, or reads the store itself when no server runs. */
import { Buffer } from 'node:buffer';
import type { Config } from '../config/config.js';
import {
  type ActorCount,
  type Listing,
  type StoredState,
  StoreReader,
} from '../runtime/owner/store-reader.js';
import type { Readable } from '../store/all-shards.js';
import { withStoreToRead } from './open-store.js';
import { RunningServer } from './running-server.js';
import { CommandFailed } from './usage.js';

export interface ActorSource {
  counts(): Promise<readonly ActorCount[]>;
  list(actor: string, prefix: string, after: string | undefined): Promise<Listing>;
  /** Undefined when the actor has no state. */
  state(
    actor: string,
    key: string,
  ): Promise<(Omit<StoredState, 'state'> & { readonly state?: unknown }) | undefined>;
  export(): AsyncGenerator<Uint8Array>;
}

const LIST_LIMIT = 1_000;

export async function withActors<T>(config: Config, use: (source: ActorSource) => Promise<T>): Promise<T> {
  const server = await RunningServer.find(config);
  if (server) return use(served(server));
  if (config.store.kind === 'memory') {
    throw new CommandFailed(
      'Only its server knows what a memory store holds, and none was found at ADMIN_HOST_PORT.',
    );
  }
  return withStoreToRead(config, (store) => use(stored(store.all)));
}

function served(server: RunningServer): ActorSource {
  return {
    counts: async () => (await server.get('/actors')).body['actors'] as ActorCount[],
    list: async (actor, prefix, after) => {
      const { body } = await server.get('/actors', { actor, prefix, after, limit: `${LIST_LIMIT}` });
      return body as unknown as Listing;
    },
    state: async (actor, key) => {
      const { status, body } = await server.get('/state', { actor, key }, [404]);
      return status === 404 ? undefined : (body as unknown as StoredState);
    },
    export: () => server.stream('/export'),
  };
}

function stored(store: Readable): ActorSource {
  const reader = new StoreReader(store);
  return {
    counts: async () => (await reader.summary()).actors,
    list: (actor, prefix, after) => reader.list({ actor, prefix, after, limit: LIST_LIMIT }),
    state: async (actor, key) => {
      const found = await reader.state(actor, key);
      return found?.state === undefined ? found : { ...found, state: JSON.parse(found.state) };
    },
    export: async function* () {
      for await (const text of reader.export()) yield Buffer.from(text);
    },
  };
}

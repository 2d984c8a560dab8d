/**
 * A locator finds the Redis server that has the keys of a shard. There are three kinds: one fixed address (below), the master that Sentinels
 * name (`sentinels.ts`), and the nodes of a cluster (`cluster-nodes.ts`). Only locators know these kinds: which commands are sent, and what
 * their outcome means, is the same for all. Runs on the owner thread.
 */
import { WarrenError } from '../../errors.js';
import { ClusterNodes } from './cluster-nodes.js';
import type { Redirection } from './redirection.js';
import type { RedisPlace } from './redis-place.js';
import { parseRedisUrl, type RedisAddress } from './redis-url.js';
import { Sentinels } from './sentinels.js';

export interface Locator {
  /** Commands that every new connection sends first. A server that refuses one of them is of another kind than configured. */
  readonly greeting: readonly (readonly [string, ...string[]])[];

  /** How many servers a command tries, one after the other, until one can be reached. */
  readonly servers: number;

  /**
   * The server that has the keys, as far as is known. Called before each command, so it returns no promise when it knows the address.
   *
   * @param tag hash tag of the keys.
   * @throws WarrenError `store-refused`, `store-denied` when the server cannot be found.
   */
  locate(tag: string): RedisAddress | Promise<RedisAddress>;

  /** Reports that a server has closed the connection, cannot be reached, or no longer serves. Another server may have the keys now. */
  failed(address: RedisAddress): void;

  /**
   * Reports that the server `address` has named another server instead of executing the command. When this returns, the command can be sent again, to the
   * server that `locate` then returns.
   *
   * @throws WarrenError `store-refused`, `store-denied` when the redirection cannot be followed.
   */
  follow(tag: string, address: RedisAddress, answer: Redirection): void;

  /** Closes the locator's own connections. */
  close(): void;
}

/** @param timeoutMs bound on connecting and on every command, in milliseconds. */
export function locatorOf({ url, sentinels, cluster }: RedisPlace, timeoutMs: number): Locator {
  const address = parseRedisUrl(url);
  // The configuration check has parsed it before.
  if (!address) throw new Error('bad address of a Redis store');
  if (sentinels) return new Sentinels(sentinels, address, timeoutMs);
  if (cluster) return new ClusterNodes(cluster, address);
  return new FixedAddress(address);
}

class FixedAddress implements Locator {
  readonly greeting = [];
  readonly servers = 1;
  readonly #address: RedisAddress;

  constructor(address: RedisAddress) {
    this.#address = address;
  }

  locate(): RedisAddress {
    return this.#address;
  }

  failed(): void {
    // There is no other server.
  }

  follow(_tag: string, _address: RedisAddress, { denied }: Redirection): never {
    throw new WarrenError('store-denied', denied);
  }

  close(): void {
    // It has no connections of its own.
  }
}

/**
 * Finds the server that has the keys of a shard. There are three: one fixed address, the master that Sentinels name (`sentinels.ts`), and the nodes
 * of a cluster (`cluster-nodes.ts`). What differs between them is here and there alone: what is sent, and what its outcome means, is the same for all.
 * On the owner thread.
 */
import { WarrenError } from '../../errors.js';
import { ClusterNodes } from './cluster-nodes.js';
import type { Elsewhere } from './elsewhere.js';
import type { RedisPlace } from './redis-place.js';
import { parseRedisUrl, type RedisAddress } from './redis-url.js';
import { Sentinels } from './sentinels.js';

export interface Locator {
  /** What every connection is asked first. A server that refuses it is not of the expected kind. */
  readonly greeting: readonly (readonly [string, ...string[]])[];

  /** How many servers a command may have to try, one after the other, until one can be reached. */
  readonly servers: number;

  /**
   * The server to ask, as far as is known now. It is called before each command, so it answers at once when it can.
   *
   * @param tag hash tag of the keys.
   * @throws WarrenError `store-refused`, `store-denied` when nobody can tell.
   */
  locate(tag: string): RedisAddress | Promise<RedisAddress>;

  /** That server has hung up, cannot be reached, or does not serve any more: another one may have the keys now. */
  failed(address: RedisAddress): void;

  /**
   * That server has named another one, and has not carried the command out. Returns when the command can be sent anew, to the server that `locate` names now.
   *
   * @throws WarrenError that says what the refusal means otherwise.
   */
  follow(tag: string, address: RedisAddress, answer: Elsewhere): void;

  /** Closes the connections that it has of its own. */
  close(): void;
}

/** @param timeoutMs bound on connecting and on every command, in milliseconds. */
export function locatorOf({ url, sentinels, cluster }: RedisPlace, timeoutMs: number): Locator {
  const address = parseRedisUrl(url);
  // The configuration has checked it.
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
    // There is no other.
  }

  follow(_tag: string, _address: RedisAddress, { denied }: Elsewhere): never {
    throw new WarrenError('store-denied', denied);
  }

  close(): void {
    // It has no connections of its own.
  }
}

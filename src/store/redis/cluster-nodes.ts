/**
 * Finds the node of a Redis Cluster that has the keys of a shard. The map of the slots is not read: a node that gets a command for keys of
 * another node answers `MOVED` with that node's address, and the address is remembered by hash tag. So the Redis user needs no right to
 * `CLUSTER`, and the remembered address is never older than the last answer. Runs on the owner thread.
 *
 * While a slot moves from one node to another, its keys are on both, and Redis refuses a script that uses several of them (`TRYAGAIN`,
 * `ASK`). The script is tried again later, until the slot has moved. `ASK` is not followed: the other node would refuse the script too.
 */
import { WarrenError } from '../../errors.js';
import type { Locator } from './locator.js';
import type { Redirection } from './redirection.js';
import type { HostPort } from './redis-place.js';
import { isSameServer, type RedisAddress } from './redis-url.js';

export class ClusterNodes implements Locator {
  /** Has no effect on a master. A server that is not a node of a cluster refuses it. */
  readonly greeting = [['READWRITE']] as const;
  /** The nodes that the configuration names. */
  readonly #named: readonly RedisAddress[];
  /** The named nodes, and those that a `MOVED` has named. */
  #nodes: readonly RedisAddress[];
  /** The node that gets the commands for a hash tag whose node is unknown: its place in `#nodes`, modulo their number. */
  #at = 0;
  readonly #byTag = new Map<string, RedisAddress>();

  /** @param login user, password and TLS, the same for all nodes. */
  constructor(nodes: readonly HostPort[], login: RedisAddress) {
    this.#named = nodes.map((node) => ({ ...login, ...node }));
    this.#nodes = this.#named;
  }

  get servers(): number {
    return this.#nodes.length;
  }

  locate(tag: string): RedisAddress {
    const known = this.#byTag.get(tag);
    if (known) return known;
    const current = this.#nodes[this.#at % this.#nodes.length] as RedisAddress;
    this.#byTag.set(tag, current);
    return current;
  }

  failed(address: RedisAddress): void {
    for (const [tag, known] of this.#byTag) if (isSameServer(known, address)) this.#byTag.delete(tag);
    const current = this.#nodes[this.#at % this.#nodes.length] as RedisAddress;
    const stays = (node: RedisAddress) => this.#named.includes(node) || !isSameServer(node, address);
    this.#nodes = this.#nodes.filter(stays);
    const place = this.#nodes.findIndex((node) => isSameServer(node, current));
    if (place < 0 || isSameServer(current, address)) this.#at += 1;
    else this.#at = place;
  }

  follow(tag: string, address: RedisAddress, answer: Redirection): void {
    if (answer.kind === 'ASK') {
      throw new WarrenError('store-refused', `Redis moves the slot of these keys: ${answer.message}`);
    }
    const named = { ...address, host: answer.host || address.host, port: answer.port };
    const node = this.#nodes.find((known) => isSameServer(known, named)) ?? named;
    if (node === named) this.#nodes = [...this.#nodes, named];
    this.#byTag.set(tag, node);
  }

  close(): void {
    // It has no connections of its own.
  }
}

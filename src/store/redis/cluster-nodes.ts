/**
 * The nodes of a Redis Cluster. No map of the slots is read: a node that is asked for keys of another one names it (`MOVED`), and that is remembered
 * for the hash tag. So a user needs no right to `CLUSTER`, and what is remembered is never older than the last answer. On the owner thread.
 *
 * While a slot is on its way from one node to another, its keys lie on both, and Redis refuses a script that uses several of them (`TRYAGAIN`, `ASK`).
 * That passes when the slot has moved. It is not followed sooner: the script would be refused by the other node just the same.
 */
import { WarrenError } from '../../errors.js';
import type { Elsewhere } from './elsewhere.js';
import type { Locator } from './locator.js';
import type { HostPort } from './redis-place.js';
import { isSameServer, type RedisAddress } from './redis-url.js';

export class ClusterNodes implements Locator {
  /** It means nothing to a master, and a server that is no node of a cluster refuses it. */
  readonly greeting = [['READWRITE']] as const;
  readonly #named: readonly RedisAddress[];
  /** Those, and the ones that were heard of. */
  #nodes: readonly RedisAddress[];
  /** Which of them is asked where the keys of a tag are. */
  #at = 0;
  readonly #byTag = new Map<string, RedisAddress>();

  /** @param login of all nodes, and whether they speak TLS. */
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
    const asked = this.#nodes[this.#at % this.#nodes.length] as RedisAddress;
    this.#byTag.set(tag, asked);
    return asked;
  }

  failed(address: RedisAddress): void {
    for (const [tag, known] of this.#byTag) if (isSameServer(known, address)) this.#byTag.delete(tag);
    const asked = this.#nodes[this.#at % this.#nodes.length] as RedisAddress;
    const stays = (node: RedisAddress) => this.#named.includes(node) || !isSameServer(node, address);
    this.#nodes = this.#nodes.filter(stays);
    const place = this.#nodes.findIndex((node) => isSameServer(node, asked));
    if (place < 0 || isSameServer(asked, address)) this.#at += 1;
    else this.#at = place;
  }

  follow(tag: string, address: RedisAddress, answer: Elsewhere): void {
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

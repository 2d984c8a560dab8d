/** The nodes that share a Redis, in one hash: see `node-scripts.ts`. On the owner thread. */

import type { NodeEntry } from '../node-entry.js';
import type { Beat, NodeRegistry } from '../node-registry.js';
import { BEAT_NODE, LEAVE_NODE, LIST_NODES } from './node-scripts.js';
import type { Client, Request } from './redis-connection.js';

/** What it needs of `Connections`. */
export interface Asking {
  ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T>;
  dropUnsettled(key: string): void;
}

export class RedisNodeRegistry implements NodeRegistry {
  readonly #connections: Asking;
  readonly #key: string;
  #revision = '';
  #nodes: readonly NodeEntry[] = [];

  constructor(connections: Asking, prefix: string) {
    this.#connections = connections;
    this.#key = `${prefix}:{nodes}:members`;
  }

  /** @throws as `Connections.ask`. */
  async beat(entry: NodeEntry, ttlMs: number, dead: string): Promise<Beat> {
    const { instance, incarnation } = entry;
    const [revision, holder, living] = await this.#ask(BEAT_NODE.commands, (client) =>
      client.beatNode(this.#key, instance, incarnation, JSON.stringify(entry), ttlMs, dead, this.#revision),
    );
    if (living) {
      this.#revision = revision;
      this.#nodes = living.sort().map((text) => JSON.parse(text) as NodeEntry);
    }
    const conflict = holder ? { holder: JSON.parse(holder[0]) as NodeEntry, renewals: holder[1] } : undefined;
    return { nodes: this.#nodes, conflict };
  }

  /** @throws as `Connections.ask`. */
  async leave(instance: string, incarnation: string): Promise<void> {
    await this.#ask(LEAVE_NODE.commands, (client) => client.leaveNode(this.#key, instance, incarnation));
  }

  /** @throws as `Connections.ask`. */
  async list(): Promise<readonly NodeEntry[]> {
    const living = await this.#ask(LIST_NODES.commands, (client) => client.listNodes(this.#key));
    return living.map((text) => JSON.parse(text) as NodeEntry);
  }

  giveUp(): void {
    this.#connections.dropUnsettled(this.#key);
  }

  #ask<T>(commands: string, send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connections.ask({ commands, keys: [this.#key] }, send);
  }
}

/**
 * The registry of the nodes that share a Redis. It is one hash in Redis, which the scripts of `node-scripts.ts` read and write. Runs on the owner
 * thread.
 */
import type { NodeEntry } from '../node-entry.js';
import type { Beat, NodeRegistry } from '../node-registry.js';
import { BEAT_NODE, LEAVE_NODE, LIST_NODES } from './node-scripts.js';
import type { Client, CommandInfo } from './redis-connection.js';

/** The part of `Connections` that the registry needs. */
export interface CommandRunner {
  run<T>(info: CommandInfo, send: (client: Client) => Promise<T>): Promise<T>;
  dropUnsettled(key: string): void;
}

export class RedisNodeRegistry implements NodeRegistry {
  readonly #connections: CommandRunner;
  readonly #key: string;
  #revision = '';
  #nodes: readonly NodeEntry[] = [];

  constructor(connections: CommandRunner, prefix: string) {
    this.#connections = connections;
    this.#key = `${prefix}:{nodes}:members`;
  }

  /** @throws as `Connections.run`. */
  async beat(entry: NodeEntry, ttlMs: number, dead: string): Promise<Beat> {
    const { instance, incarnation } = entry;
    const [revision, holder, living] = await this.#run(BEAT_NODE.commands, (client) =>
      client.beatNode(this.#key, instance, incarnation, JSON.stringify(entry), ttlMs, dead, this.#revision),
    );
    if (living) {
      this.#revision = revision;
      this.#nodes = living.sort().map((text) => JSON.parse(text) as NodeEntry);
    }
    const conflict = holder ? { holder: JSON.parse(holder[0]) as NodeEntry, renewals: holder[1] } : undefined;
    return { nodes: this.#nodes, conflict };
  }

  /** @throws as `Connections.run`. */
  async leave(instance: string, incarnation: string): Promise<void> {
    await this.#run(LEAVE_NODE.commands, (client) => client.leaveNode(this.#key, instance, incarnation));
  }

  /** @throws as `Connections.run`. */
  async list(): Promise<readonly NodeEntry[]> {
    const living = await this.#run(LIST_NODES.commands, (client) => client.listNodes(this.#key));
    return living.map((text) => JSON.parse(text) as NodeEntry);
  }

  giveUp(): void {
    this.#connections.dropUnsettled(this.#key);
  }

  #run<T>(commands: string, send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connections.run({ commands, keys: [this.#key] }, send);
  }
}

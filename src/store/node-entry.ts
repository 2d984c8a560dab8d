/**
 * The entry of a node in the registry: its name, address and actors. Pure functions say what follows from it: whether nodes can reach each
 * other, and which shards they can read. Used on both threads.
 *
 * A node is one process of Warren on a Redis that several processes share. Its name is `INSTANCE_ID`; a restarted process with the same name has
 * another incarnation.
 */
import { isIPv4 } from 'node:net';

/** Name of an actor -> the version of its states. */
export type Versions = Readonly<Record<string, number>>;

/** `joining`: the node owns no shard and gets none yet. `leaving`: it hands over the shards that it owns. */
export type NodeState = 'joining' | 'ready' | 'leaving';

export interface NodeEntry {
  /** INSTANCE_ID. */
  readonly instance: string;
  /** A random id of one process. */
  readonly incarnation: string;
  /** host:port of the listener for other nodes. */
  readonly address: string;
  /** `processMark()`; empty when it is unknown. */
  readonly process: string;
  /** Version of the program, shown to operators. */
  readonly version: string;
  /** The actors that the node serves, and the newest version of their states that it can read. */
  readonly actors: Versions;
  readonly state: NodeState;
}

/**
 * Whether requests of `from` can reach `to`. A loopback address reaches only nodes on the same host: those whose process marks have the same host.
 */
export function canReach(from: NodeEntry, to: NodeEntry): boolean {
  return to.address !== '' && (!isLoopback(to.address) || hostOf(from) === hostOf(to));
}

/** How many of a shard's actors this node can read. */
export function readableCount(node: NodeEntry, holds: Versions): number {
  let count = 0;
  for (const [actor, version] of Object.entries(holds)) {
    if (versionOf(node.actors, actor) >= version) count += 1;
  }
  return count;
}

/** Whether the node can read all actors of a shard. */
export function canRead(node: NodeEntry, holds: Versions): boolean {
  return readableCount(node, holds) === Object.keys(holds).length;
}

/**
 * What a shard may hold once this node owns it: the actors and versions that it held before, and those that the node writes. The owner writes it
 * into the fence when it takes the shard, so it is stored before the first state of a new version.
 */
export function holdsUnder(node: Pick<NodeEntry, 'actors'>, holds: Versions): Versions {
  const all: Record<string, number> = { ...holds };
  for (const [actor, version] of Object.entries(node.actors)) {
    all[actor] = Math.max(version, versionOf(holds, actor));
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** 0 for an actor that is missing. `hasOwn`, since an actor's name may be that of a member which every object has, such as `constructor`. */
function versionOf(versions: Versions, actor: string): number {
  return Object.hasOwn(versions, actor) ? (versions[actor] as number) : 0;
}

function hostOf({ process }: NodeEntry): string {
  return process.slice(0, Math.max(0, process.indexOf('.')));
}

function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

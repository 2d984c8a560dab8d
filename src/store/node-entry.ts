/**
 * What a node tells the other nodes about itself, and what they conclude from it. Pure functions, used on both threads.
 *
 * A node is one process of Warren on a Redis that several processes share. Its name is `INSTANCE_ID`; a restart under the same name has
 * another incarnation.
 */
import { isIPv4 } from 'node:net';

/** Name of an actor -> the version of its states. */
export type Versions = Readonly<Record<string, number>>;

/** `joining`: it owns nothing yet and is not given anything; `leaving`: it gives away what it owns. */
export type NodeState = 'joining' | 'ready' | 'leaving';

export interface NodeEntry {
  /** INSTANCE_ID. */
  readonly instance: string;
  /** Random, of one process. */
  readonly incarnation: string;
  /** host:port of the listener for other nodes. */
  readonly address: string;
  /** `processMark()`: where it runs; empty when that cannot be told. */
  readonly process: string;
  /** Version of the program, for people. */
  readonly version: string;
  /** The actors that it serves, and the version of their states up to which it can read. */
  readonly actors: Versions;
  readonly state: NodeState;
}

/**
 * Whether requests of `from` can reach `to`. A loopback address means another machine on every host, so it reaches only nodes that
 * have the same host mark.
 */
export function canReach(from: NodeEntry, to: NodeEntry): boolean {
  return to.address !== '' && (!isLoopback(to.address) || hostOf(from) === hostOf(to));
}

/** How many of the actors that a shard holds this node can read. */
export function readableCount(node: NodeEntry, holds: Versions): number {
  let count = 0;
  for (const [actor, version] of Object.entries(holds)) {
    if (versionOf(node.actors, actor) >= version) count += 1;
  }
  return count;
}

/** Whether the node can read everything that a shard holds. */
export function canRead(node: NodeEntry, holds: Versions): boolean {
  return readableCount(node, holds) === Object.keys(holds).length;
}

/**
 * What a shard may hold once this node owns it: what it held before, and whatever the node itself writes. The owner puts it into the
 * fence when it takes the shard, so it is stored before the first state of a new version can be.
 */
export function holdsUnder(node: Pick<NodeEntry, 'actors'>, holds: Versions): Versions {
  const all: Record<string, number> = { ...holds };
  for (const [actor, version] of Object.entries(node.actors)) {
    all[actor] = Math.max(version, versionOf(holds, actor));
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** 0 for an actor that is not there. The name may be one that every object has, such as `constructor`. */
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

/**
 * The placement says which node should own which shard, for one list of nodes. Which node does own a shard, the fence of the shard says.
 *
 * Rendezvous hashing: every node has a score for every shard, and the node with the highest score should own it. So a node that joins takes shards
 * from the others and moves none between them, and the shards of a node that leaves are spread over all others. The result depends on the set
 * of nodes only, not on their order.
 *
 * During a rolling update nodes of several versions run side by side. Only nodes that can read the most actors of a shard are candidates for it:
 * all of its actors, when such a node is ready. When none is, as after a return to an older version, the shard is still served. Actors
 * whose states are too new are then refused (`state-unreadable`), and their states stay as they are.
 */
import { hash } from 'node:crypto';
import { canRead, type NodeEntry, readableCount, type Versions } from '../store/node-entry.js';

const NOTHING: Versions = {};

interface Seeded {
  readonly node: NodeEntry;
  readonly high: number;
  readonly low: number;
}

export class Placement {
  readonly nodes: readonly NodeEntry[];
  readonly #byInstance: ReadonlyMap<string, NodeEntry>;
  readonly #seeded: readonly Seeded[];
  /** By shard: the nodes with the highest score first. */
  readonly #ranked: NodeEntry[][] = [];

  constructor(nodes: readonly NodeEntry[]) {
    this.nodes = nodes;
    this.#byInstance = new Map(nodes.map((node) => [node.instance, node]));
    this.#seeded = nodes.map(seeded);
  }

  find(instance: string): NodeEntry | undefined {
    return this.#byInstance.get(instance);
  }

  /** The ready node that should own the shard. @param holds of the fence of the shard; left out, nodes of any version are equal. */
  ownerOf(shard: number, holds: Versions = NOTHING): NodeEntry | undefined {
    return this.#candidates(shard, holds, isReady)[0];
  }

  /** The node that should take the shard when its owner is lost. */
  heirOf(shard: number, holds: Versions = NOTHING): NodeEntry | undefined {
    return this.#candidates(shard, holds, isReady)[1];
  }

  /** Whether the node should own the shard if all joining nodes were ready. */
  wouldOwn(shard: number, instance: string, holds: Versions = NOTHING): boolean {
    return this.#candidates(shard, holds, isStaying)[0]?.instance === instance;
  }

  /**
   * Whether the node has to watch the fence of this shard, since it may be its owner or its heir. What the shard holds is known only from the
   * fence, so the answer must not depend on it. Only nodes that can read all that this node can read are compared with it.
   */
  watches(shard: number, instance: string): boolean {
    const node = this.find(instance);
    if (!node || node.state === 'leaving') return false;
    const readers = this.#rankedOf(shard).filter((other) => isStaying(other) && canRead(other, node.actors));
    // Both with and without the other joining nodes: by the time of a change they may be ready or not.
    const ready = readers.filter((other) => isReady(other) || other === node);
    return readers.indexOf(node) < 2 || ready.indexOf(node) < 2;
  }

  #candidates(shard: number, holds: Versions, counts: (node: NodeEntry) => boolean): NodeEntry[] {
    const nodes = this.#rankedOf(shard).filter(counts);
    if (holds === NOTHING) return nodes;
    const most = Math.max(...nodes.map((node) => readableCount(node, holds)));
    return nodes.filter((node) => readableCount(node, holds) === most);
  }

  #rankedOf(shard: number): NodeEntry[] {
    this.#ranked[shard] ??= rank(shard, this.#seeded);
    return this.#ranked[shard];
  }
}

/** The nodes in the order in which they should own the shard. */
export function ranked(shard: number, nodes: readonly NodeEntry[]): NodeEntry[] {
  return rank(shard, nodes.map(seeded));
}

function rank(shard: number, nodes: readonly Seeded[]): NodeEntry[] {
  return nodes
    .map((one) => ({ node: one.node, score: scoreOf(shard, one) }))
    .sort((a, b) => b.score - a.score || (a.node.instance < b.node.instance ? -1 : 1))
    .map(({ node }) => node);
}

/** The seed of a node's scores. It depends on the name only, so a restart changes nothing. */
function seeded(node: NodeEntry): Seeded {
  const words = Buffer.from(hash('sha256', node.instance, 'hex').slice(0, 16), 'hex');
  return { node, high: words.readInt32LE(0), low: words.readInt32LE(4) };
}

/** An integer of 53 bits. */
function scoreOf(shard: number, { high, low }: Seeded): number {
  const first = mixed(high ^ mixed(shard + 1));
  return first * 2 ** 21 + (mixed(low ^ first) >>> 11);
}

/** The last step of MurmurHash3: every bit of the input changes half the bits of the result. */
function mixed(word: number): number {
  let mix = word;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

function isReady({ state }: NodeEntry): boolean {
  return state === 'ready';
}

function isStaying({ state }: NodeEntry): boolean {
  return state !== 'leaving';
}

/** The report for operators about the nodes that share a Redis, as one of these nodes sees them. Made on the main thread. */
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import type { NodeEntry, NodeState, Versions } from '../store/node-entry.js';
import type { Router } from './router.js';

export interface NodesReport {
  /** Name of the node that made the report. */
  readonly node: string;
  /** How many shards the store has. */
  readonly shards: number;
  /** Shards that this node owns. */
  readonly owned: number;
  /** Shards that this node should own but does not own yet. */
  readonly coming: number;
  /** Shards that this node owns but another node should own. */
  readonly going: number;
  /** All living nodes, this one among them, by name. */
  readonly nodes: readonly NodeReport[];
}

export interface NodeReport {
  readonly node: string;
  readonly state: NodeState;
  /** host:port of the listener for other nodes. */
  readonly address: string;
  readonly version: string;
  /** The actors that the node serves, with the version of their states. */
  readonly actors: Versions;
  /** How many shards the node should own. */
  readonly placed: number;
}

export function reportOf(
  router: Pick<Router, 'instance' | 'nodes' | 'placedOn'>,
  owner: Pick<OwnerHandle, 'shards' | 'stateOf'>,
): NodesReport {
  const { instance, nodes } = router;
  const { shards } = owner;
  let owned = 0;
  let coming = 0;
  let going = 0;
  for (let shard = 0; shard < shards; shard++) {
    const holder = router.placedOn(shard);
    const isHere = owner.stateOf(shard) === 'serving';
    if (isHere) owned += 1;
    if (isHere && holder !== undefined && holder !== instance) going += 1;
    if (!isHere && holder === instance) coming += 1;
  }
  const placedOn = (shard: number) => router.placedOn(shard);
  return { node: instance, shards, owned, coming, going, nodes: nodeReports(nodes, shards, placedOn) };
}

/** @param placedOn the name of the node that should own a shard. */
export function nodeReports(
  nodes: readonly NodeEntry[],
  shards: number,
  placedOn: (shard: number) => string | undefined,
): NodeReport[] {
  const holders = Array.from({ length: shards }, (_, shard) => placedOn(shard));
  return nodes
    .map(({ instance: node, state, address, version, actors }) => {
      const placed = holders.filter((holder) => holder === node).length;
      return { node, state, address, version, actors, placed };
    })
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

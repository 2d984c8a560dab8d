/** Nodes of the tests. */
import type { NodeEntry } from '../../../src/store/node-entry.js';

export function nodeCalled(instance: string, more: Partial<NodeEntry> = {}): NodeEntry {
  return {
    instance,
    incarnation: `${instance}-1`,
    address: '10.0.0.1:7000',
    process: 'host.1.1',
    version: '0.1.0',
    actors: { counters: 1 },
    state: 'ready',
    ...more,
  };
}

/** A stored record of which a test gives only what it is about. */
import type { Checkpoint } from '../../../src/store/checkpoint.js';

export function recordOf(fields: Partial<Checkpoint>): Checkpoint {
  const identity = { writer: 'writer-a', instance: 'instance-a', process: '' };
  return { epoch: 1, version: 1, renewal: 0, lease: 0, state: 0, ...identity, ...fields };
}

/** The state of each shard, as the events of the owner thread say. Main thread only. */
import type { FromOwner } from '../owner/events.js';

/** `away`: the store does not answer, or an operator has to restore the shard. `standby`: another instance owns the shard, or may. */
export type ShardState = 'starting' | 'serving' | 'away' | 'standby';

export class ShardStates {
  readonly #states: ShardState[];
  readonly #epochs: number[];

  constructor(shards: number) {
    this.#states = new Array(shards).fill('starting');
    this.#epochs = new Array(shards).fill(0);
  }

  note(event: FromOwner): void {
    switch (event.kind) {
      case 'serving':
        this.#states[event.shard] = 'serving';
        this.#epochs[event.shard] = event.epoch;
        break;
      case 'away':
      case 'standby':
        this.#states[event.shard] = event.kind;
        break;
      case 'halted':
        this.#states[event.shard] = 'away';
        break;
      default:
        break;
    }
  }

  of(shard: number): ShardState {
    return this.#states[shard] as ShardState;
  }

  /** How many shards this process serves: their fences are taken, and commits succeed. */
  get owned(): number {
    return this.#states.filter((state) => state === 'serving').length;
  }

  /** Whether each shard is owned by this process or by another instance, so that none waits for the store. */
  get settled(): boolean {
    return this.#states.every((state) => state === 'serving' || state === 'standby');
  }

  /** The highest epoch of the fences that this process has taken; 0 before the first. */
  get epoch(): number {
    return Math.max(...this.#epochs);
  }
}

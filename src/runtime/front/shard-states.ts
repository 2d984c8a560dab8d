/** What the owner thread has said of each shard last. On the main thread. */
import type { FromOwner } from '../owner/events.js';

/** `away`: the store does not answer, or an operator has to restore the shard. `standby`: another node owns it, or may. */
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

  /** Shards whose fence is taken, and whose commits pass. */
  get owned(): number {
    return this.#states.filter((state) => state === 'serving').length;
  }

  /** Each shard is owned here or by another node: none waits for the store. */
  get settled(): boolean {
    return this.#states.every((state) => state === 'serving' || state === 'standby');
  }

  /** The highest epoch of the fences that were taken here; 0 before the first. */
  get epoch(): number {
    return Math.max(...this.#epochs);
  }
}

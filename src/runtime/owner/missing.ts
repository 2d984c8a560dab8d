/** Loads the actors that the next turns need and that are not in memory, with one read of the store for all of them. */
import { messageOf } from '../../errors.js';
import { firstCommit } from '../../store/commit-id.js';
import type { Behavior, LoadedState } from './served.js';
import { idOf } from './states.js';
import type { Tenure } from './tenure.js';

export interface LoadedActor extends LoadedState {
  readonly behavior: Behavior;
  readonly key: string;
  /** Why the stored state cannot be read; undefined when it can. */
  readonly unreadable: string | undefined;
}

export interface Found {
  readonly actors: readonly LoadedActor[];
  /** Stored texts of records, and of their size; undefined where there is none. */
  readonly records: readonly (readonly [id: string, text: string | undefined])[];
}

/** Undefined for a record. */
type Wanted = { readonly behavior: Behavior; readonly key: string } | undefined;

export class Missing {
  /** By id, in the order in which turns need them: a read may end before it has all. */
  readonly #wanted = new Map<string, Wanted>();

  get count(): number {
    return this.#wanted.size;
  }

  add(behavior: Behavior, key: string): void {
    this.#wanted.set(idOf(behavior, key), { behavior, key });
  }

  /** @param id of an answer record, or of their size. */
  addRecord(id: string): void {
    this.#wanted.set(id, undefined);
  }

  /**
   * @param limitBytes the read may end when it has so many bytes.
   * @returns what it has found, the first one at least.
   * @throws WarrenError as `Tenure.load`, and what `Behavior.inherited` throws.
   */
  async load(tenure: Tenure, limitBytes: number): Promise<Found> {
    const texts = await tenure.load([...this.#wanted.keys()], limitBytes);
    const actors: LoadedActor[] = [];
    const records: [id: string, text: string | undefined][] = [];
    let at = 0;
    for (const [id, actor] of this.#wanted) {
      if (at === texts.length) break;
      let text = texts[at++];
      if (!actor) {
        records.push([id, text]);
        continue;
      }
      const { behavior, key } = actor;
      if (text === undefined && behavior.inherited)
        text = await tenure.bounded(behavior.inherited(firstCommit(tenure.held.shard)));
      actors.push(loaded(behavior, key, text));
    }
    return { actors, records };
  }
}

function loaded(behavior: Behavior, key: string, text: string | undefined): LoadedActor {
  try {
    return { behavior, key, ...behavior.load(text), unreadable: undefined };
  } catch (error) {
    return { behavior, key, state: undefined, bytes: 0, commit: '', unreadable: messageOf(error) };
  }
}

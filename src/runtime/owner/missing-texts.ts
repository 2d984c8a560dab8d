/** The states and answer records that the next turns need and that are not in memory. Loads their texts by one read of the store. Owner thread only. */
import { messageOf } from '../../errors.js';
import { firstCommit } from '../../store/commit-id.js';
import type { Behavior, LoadedState } from './behavior.js';
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
  /** Stored texts of records, and of their size; undefined when there is none. */
  readonly records: readonly (readonly [id: string, text: string | undefined])[];
}

/** Undefined for a record. */
type Wanted = { readonly behavior: Behavior; readonly key: string } | undefined;

export class MissingTexts {
  /** By id, in the order in which turns need them, since a read may return only the first ones. */
  readonly #wanted = new Map<string, Wanted>();

  get count(): number {
    return this.#wanted.size;
  }

  add(behavior: Behavior, key: string): void {
    this.#wanted.set(idOf(behavior, key), { behavior, key });
  }

  /** @param id of an answer record, or `SIZE_ID`. */
  addRecord(id: string): void {
    this.#wanted.set(id, undefined);
  }

  /**
   * @param limitBytes the read may end when it has read this many bytes.
   * @returns the first ones, at least one.
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

/** Actors that turns need and that are not in memory: one read of the store for all of them. */
import { messageOf } from '../../errors.js';
import type { AnswerRecords } from './answer-records.js';
import type { Behavior, LoadedState } from './served.js';
import { idOf } from './states.js';
import type { Tenure } from './tenure.js';

export interface LoadedActor extends LoadedState {
  readonly behavior: Behavior;
  readonly key: string;
  /** Why the stored state cannot be read; undefined when it can. */
  readonly unreadable: string | undefined;
}

export class Missing {
  readonly #records = new Set<string>();
  readonly #actors = new Map<string, { readonly behavior: Behavior; readonly key: string }>();

  get count(): number {
    return this.#records.size + this.#actors.size;
  }

  /** @param id of what the actors' records are kept under. They are small: they come before the states. */
  addRecord(id: string): void {
    this.#records.add(id);
  }

  add(behavior: Behavior, key: string): void {
    this.#actors.set(idOf(behavior, key), { behavior, key });
  }

  /**
   * @param limitBytes the read may end when it has so many bytes.
   * @param records told what is stored of them.
   * @returns the first actors, one at least.
   * @throws WarrenError as `Tenure.load`, and what `Behavior.inherited` throws.
   */
  async load(tenure: Tenure, limitBytes: number, records: AnswerRecords): Promise<LoadedActor[]> {
    const [...ids] = this.#records;
    const found = await tenure.load([...ids, ...this.#actors.keys()], limitBytes);
    for (const [at, text] of found.slice(0, ids.length).entries()) records.remember(ids[at] as string, text);
    const texts = found.slice(ids.length);
    const actors: LoadedActor[] = [];
    for (const { behavior, key } of this.#actors.values()) {
      if (actors.length === texts.length) break;
      let text = texts[actors.length];
      if (text === undefined && behavior.inherited) text = await tenure.bounded(behavior.inherited());
      actors.push(loaded(behavior, key, text));
    }
    return actors;
  }
}

function loaded(behavior: Behavior, key: string, text: string | undefined): LoadedActor {
  try {
    return { behavior, key, ...behavior.load(text), unreadable: undefined };
  } catch (error) {
    return { behavior, key, state: undefined, bytes: 0, commit: '', unreadable: messageOf(error) };
  }
}

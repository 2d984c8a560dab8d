/**
 * Loads a stored state and migrates it to the current version of its actor. The migrated state is stored with the actor's next change.
 *
 * An actor whose state cannot be read is stopped, and its state is never reset; the result says why. Pure; runs on the owner thread.
 */
import { messageOf } from '../errors.js';
import type { Definition } from './definition.js';
import { decodeState, sealState } from './state-text.js';
import type { Sealed } from './values.js';

export type LoadedState =
  | { readonly kind: 'loaded'; readonly state: Sealed }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** @param stateBytes the size limit of a state, in bytes, also after a migration. */
export function loadState(
  definition: Definition,
  storedVersion: number,
  storedText: string,
  stateBytes = Number.POSITIVE_INFINITY,
): LoadedState {
  const { name, version, migrations } = definition;
  if (!Number.isSafeInteger(storedVersion) || storedVersion < 1 || storedVersion > version) {
    return unreadable(
      `the stored state has version ${storedVersion}, and ${name} here knows 1 to ${version}`,
    );
  }
  let state: Sealed;
  try {
    state = decodeState(storedText);
  } catch (error) {
    return unreadable(messageOf(error));
  }
  for (let from = storedVersion; from < version; from++) {
    const migration = migrations[from - 1] as (old: unknown) => unknown;
    try {
      state = sealState(migration(state.value), `${name}.migrate[${from}]`, stateBytes);
    } catch (error) {
      return unreadable(`the migration of ${name} from version ${from} failed: ${messageOf(error)}`);
    }
  }
  return { kind: 'loaded', state };
}

function unreadable(reason: string): LoadedState {
  return { kind: 'unreadable', reason };
}

/**
 * The Fibonacci sequence as an actor, on the owner thread. Its state is the index n of the current term, and its reply is an index. The main thread computes the
 * digits.
 */
import { WarrenError } from '../../errors.js';
import { LINK_PROBLEMS, NUMBER_REPLY, PROBLEM } from '../../runtime/link/reply-kind.js';
import type { Behavior, LoadedState, Turn } from '../../runtime/owner/behavior.js';
import { readStored, writeStored } from '../../runtime/owner/stored-text.js';
import { inheritedIndex } from './inherited-index.js';
import { ACTOR, CURRENT, KEY, NEXT, PREVIOUS } from './messages.js';

const VERSION = 1;
/** A number takes no memory of its own. */
const STATE_BYTES = 0;
const TEXT_BYTES = 64;

export interface FibonacciSettings {
  /** Index of a fresh sequence. */
  readonly initialIndex: number;
  /** The last index. */
  readonly maxIndex: number;
}

export class FibonacciBehavior implements Behavior {
  readonly actor = ACTOR;
  readonly #maxIndex: number;
  readonly #fresh: LoadedState;
  readonly #predecessor: () => Promise<string | undefined>;

  /** @param predecessor the value that the replaced service has left in the store, in decimal. */
  constructor({ initialIndex, maxIndex }: FibonacciSettings, predecessor: () => Promise<string | undefined>) {
    this.#maxIndex = maxIndex;
    this.#fresh = { state: initialIndex, bytes: STATE_BYTES, commit: '' };
    this.#predecessor = predecessor;
  }

  load(text: string | undefined): LoadedState {
    if (text === undefined) return this.#fresh;
    return { state: storedIndex(text), bytes: STATE_BYTES, commit: readStored(text).commit };
  }

  encode(state: unknown, commit: string): string {
    return indexText(state as number, commit);
  }

  async inherited(commit: string): Promise<string | undefined> {
    const index = inheritedIndex(await this.#predecessor());
    return index === undefined ? undefined : indexText(index, commit);
  }

  turn(message: number, state: unknown): Turn {
    const index = state as number;
    switch (message) {
      case NEXT:
        if (index >= this.#maxIndex) return EXHAUSTED;
        return moved(index + 1);
      case PREVIOUS:
        return shown(Math.max(0, index - 1));
      case CURRENT:
        return shown(index);
      default:
        throw new RangeError(`the sequence has no message ${message}`);
    }
  }
}

/** The name of the sequence in the store. */
export const SEQUENCE_ID = `${ACTOR}/${KEY}`;

export function indexText(index: number, commit: string): string {
  return writeStored(VERSION, commit, `${index}`);
}

/** @throws WarrenError `state-unreadable`. */
export function storedIndex(text: string): number {
  const { version, body } = readStored(text);
  const index = Number(body);
  if (version !== VERSION || !/^\d{1,15}$/.test(body)) {
    throw new WarrenError(
      'state-unreadable',
      `the stored state is no index of the sequence: ${text.slice(0, 80)}`,
    );
  }
  return index;
}

const EXHAUSTED: Turn = {
  kind: PROBLEM,
  detail: LINK_PROBLEMS.indexOf('sequence-exhausted'),
  text: '',
  change: undefined,
  failure: undefined,
};

function shown(index: number): Turn {
  return { kind: NUMBER_REPLY, detail: index, text: '', change: undefined, failure: undefined };
}

function moved(index: number): Turn {
  const change = { state: index, bytes: STATE_BYTES, textBytes: TEXT_BYTES };
  return { kind: NUMBER_REPLY, detail: index, text: '', change, failure: undefined };
}

/** The behavior of an actor that a user has defined: takes its turns, and encodes and decodes its state for the store. Owner thread only. */
import { messageOf, WarrenError } from '../../errors.js';
import type { Definition, Message } from '../definition.js';
import {
  JSON_REPLY,
  LINK_PROBLEMS,
  type LinkProblem,
  NO_REPLY,
  PROBLEM,
  REFUSAL,
} from '../link/reply-kind.js';
import { loadState } from '../load-state.js';
import { isLongerThan } from '../reply-text.js';
import { stateText } from '../state-text.js';
import { takeTurn } from '../turn.js';
import type { Refused, Replied, Text, TurnLimits } from '../turn-result.js';
import type { Checked, Sealed } from '../values.js';
import type { Behavior, LoadedState, StateChange, Turn, TurnContext } from './behavior.js';
import { FORGET, NO_COMMIT, readEdit, SET, stateFrom } from './edit.js';
import { readStored, writeStored } from './stored-text.js';

/** Longest text of a problem, or for the log, in characters. */
const TEXT_LENGTH = 10_000;

const NO_STATE: LoadedState = { state: undefined, bytes: 0, commit: '' };

export class DefinedBehavior implements Behavior {
  readonly actor: string;
  readonly #definition: Definition;
  readonly #limits: TurnLimits;
  readonly #encode: (large: Checked) => Promise<string>;

  /** @param encode makes the text of a large reply on another thread. */
  constructor(definition: Definition, limits: TurnLimits, encode: (large: Checked) => Promise<string>) {
    this.actor = definition.name;
    this.#definition = definition;
    this.#limits = limits;
    this.#encode = encode;
  }

  load(text: string | undefined): LoadedState {
    if (text === undefined) return NO_STATE;
    const { version, commit, body } = readStored(text);
    const loaded = loadState(this.#definition, version, body, this.#limits.stateBytes);
    if (loaded.kind === 'unreadable') throw new WarrenError('state-unreadable', bounded(loaded.reason));
    return { state: loaded.state, bytes: loaded.state.heapBytes, commit };
  }

  encode(state: unknown, commit: string): string {
    return writeStored(this.#definition.version, commit, stateText(state as Sealed));
  }

  turn(
    number: number,
    state: unknown,
    key: string,
    input: string | undefined,
    { id, now, commit }: TurnContext,
  ): Turn | Promise<Turn> {
    if (number === SET || number === FORGET) return this.#edit(number, state !== undefined, input, commit);
    const definition = this.#definition;
    const message = definition.messageList[number] as Message;
    const context = { actor: definition.name, key, now, id, caller: undefined };
    const result = takeTurn(definition, message, state as Sealed | undefined, input, context, this.#limits);
    switch (result.kind) {
      case 'replied':
        return this.#withText(message, 'reply', result.reply, (text) => replied(result, text));
      case 'refused':
        return this.#withText(message, 'details', result.details, (text) => refused(result, text));
      case 'invalid':
        return problem(result.code, result.detail);
      case 'failed':
        return { ...problem(result.code, result.shown), failure: bounded(result.stack ?? result.reason) };
    }
  }

  /** An edit by an operator. @param commit that wrote the state; empty when none has yet. */
  #edit(number: number, isThere: boolean, body = '\n', commit: string): Turn {
    const { expected, state } = readEdit(body);
    if (expected !== undefined) {
      const found = isThere ? commit : NO_COMMIT;
      if (found !== expected) {
        const details = JSON.stringify({ commit: found });
        return refused({ code: 'commit-changed', status: 409 }, details);
      }
    }
    const done: Replied = { kind: 'replied', reply: { kind: 'none' }, next: { kind: 'forgotten' } };
    if (number === FORGET) return replied(done, '');
    try {
      const sealed = stateFrom(state, this.#limits.stateBytes);
      return replied({ ...done, next: { kind: 'changed', state: sealed } }, '');
    } catch (error) {
      return problem('input-invalid', messageOf(error));
    }
  }

  #withText(
    message: Message,
    part: string,
    text: Text,
    turnWith: (text: string) => Turn,
  ): Turn | Promise<Turn> {
    if (text.kind === 'none') return turnWith('');
    if (text.kind === 'text') return turnWith(text.text);
    return this.#encoded(text.checked, turnWith).catch((error: unknown) => {
      const reason = `${this.actor}.${message.name} returned a value that cannot be used: ${part} ${messageOf(error)}`;
      return { ...problem('behavior-failed', reason), failure: reason };
    });
  }

  async #encoded(large: Checked, turnWith: (text: string) => Turn): Promise<Turn> {
    const { replyBytes } = this.#limits;
    let text: string;
    try {
      text = await this.#encode(large);
    } catch (cause) {
      throw new Error(`has no text: ${messageOf(cause)}`, { cause });
    }
    if (isLongerThan(text, replyBytes)) throw new Error(`is larger than ${replyBytes} bytes`);
    return turnWith(text);
  }
}

function replied({ reply, next }: Replied, text: string): Turn {
  return {
    kind: reply.kind === 'none' ? NO_REPLY : JSON_REPLY,
    detail: 0,
    text,
    change: changeOf(next),
    failure: undefined,
  };
}

const FORGOTTEN: StateChange = { state: undefined, bytes: 0, textBytes: 0 };

function changeOf(next: Replied['next']): StateChange | undefined {
  if (next.kind === 'unchanged') return undefined;
  if (next.kind === 'forgotten') return FORGOTTEN;
  const { state } = next;
  // States share the names of their members in memory, but each text has them: then the text may be the larger one.
  return { state, bytes: state.heapBytes, textBytes: Math.max(state.heapBytes, state.leastBytes) };
}

function refused({ code, status }: Pick<Refused, 'code' | 'status'>, details: string): Turn {
  const text = `"code":${JSON.stringify(code)}${details === '' ? '' : `,"details":${details}`}`;
  return { kind: REFUSAL, detail: status, text, change: undefined, failure: undefined };
}

function problem(code: LinkProblem, reason: string): Turn {
  const text = bounded(reason);
  return { kind: PROBLEM, detail: LINK_PROBLEMS.indexOf(code), text, change: undefined, failure: undefined };
}

/** Shortens the message of a schema or a thrown error. A reply that does not fit into the link would block all others. */
function bounded(text: string): string {
  return text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text;
}

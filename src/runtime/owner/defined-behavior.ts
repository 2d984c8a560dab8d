/**
 * The behavior of an actor that a user has defined: its turns for the owner's loop, and the form of its state in the store.
 *
 *   {"format":1,"version":2,"check":"1f0c9a2b","state":{"next":3,"left":98}}
 *
 * `version` is the actor's, `check` a CRC-32 of the state's text: no store tells of every flipped bit.
 */
import { crc32 } from 'node:zlib';
import { WarrenError } from '../../errors.js';
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
import { replyText } from '../reply-text.js';
import { stateText } from '../state-text.js';
import { takeTurn } from '../turn.js';
import type { Refused, Replied, TurnLimits } from '../turn-result.js';
import type { Sealed } from '../values.js';
import type { Behavior, LoadedState, StateChange, Turn, TurnContext } from './served.js';

/** Longest text of a problem, in characters. */
const PROBLEM_LENGTH = 10_000;

const STORED = /^\{"format":1,"version":(\d{1,15}),"check":"([0-9a-f]{8})","state":/;

export class DefinedBehavior implements Behavior {
  readonly actor: string;
  readonly #definition: Definition;
  readonly #limits: TurnLimits;

  constructor(definition: Definition, limits: TurnLimits) {
    this.actor = definition.name;
    this.#definition = definition;
    this.#limits = limits;
  }

  load(text: string): LoadedState {
    const [head = '', version = '', check = ''] = STORED.exec(text) ?? [];
    const body = text.slice(head.length, -1);
    if (head === '' || checkOf(body) !== check) {
      throw new WarrenError(
        'state-unreadable',
        `its stored state is damaged, or not of this format: ${text.slice(0, 80)}`,
      );
    }
    const loaded = loadState(this.#definition, Number(version), body, this.#limits.stateBytes);
    if (loaded.kind === 'unreadable') throw new WarrenError('state-unreadable', loaded.reason);
    return { state: loaded.state, bytes: loaded.state.heapBytes };
  }

  encode(state: unknown): string {
    const body = stateText(state as Sealed);
    return `{"format":1,"version":${this.#definition.version},"check":"${checkOf(body)}","state":${body}}`;
  }

  turn(
    number: number,
    state: unknown,
    key: string,
    input: string | undefined,
    { id, now }: TurnContext,
  ): Turn {
    const definition = this.#definition;
    const message = definition.messageList[number] as Message;
    const context = { actor: definition.name, key, now, id, caller: undefined };
    const result = takeTurn(definition, message, state as Sealed | undefined, input, context, this.#limits);
    switch (result.kind) {
      case 'replied':
        return this.#replied(result);
      case 'refused':
        return refused(result);
      case 'invalid':
        return problem(result.code, result.detail);
      case 'failed':
        return { ...problem(result.code, result.reason), failure: result.stack ?? result.reason };
    }
  }

  #replied({ reply, next }: Replied): Turn {
    const text = reply.kind === 'none' ? '' : reply.kind === 'text' ? reply.text : replyText(reply.checked);
    return {
      kind: reply.kind === 'none' ? NO_REPLY : JSON_REPLY,
      detail: 0,
      text,
      change: changeOf(next),
      failure: undefined,
    };
  }
}

const FORGOTTEN: StateChange = { state: undefined, bytes: 0, textBytes: 0 };

function changeOf(next: Replied['next']): StateChange | undefined {
  if (next.kind === 'unchanged') return undefined;
  if (next.kind === 'forgotten') return FORGOTTEN;
  const { state } = next;
  // Long names are in the text of each state, and shared in memory.
  return { state, bytes: state.heapBytes, textBytes: Math.max(state.heapBytes, state.leastBytes) };
}

function refused({ code, status, details }: Refused): Turn {
  const text = `"code":${JSON.stringify(code)}${details === undefined ? '' : `,"details":${details}`}`;
  return { kind: REFUSAL, detail: status, text, change: undefined, failure: undefined };
}

/** The text may be the message of anything that was thrown. A reply that no link has room for would hold all others up. */
function problem(code: LinkProblem, reason: string): Turn {
  const text = reason.length > PROBLEM_LENGTH ? `${reason.slice(0, PROBLEM_LENGTH)}…` : reason;
  return { kind: PROBLEM, detail: LINK_PROBLEMS.indexOf(code), text, change: undefined, failure: undefined };
}

function checkOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

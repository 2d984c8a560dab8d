/**
 * Takes one turn: parses and checks the input of the message, calls the actor's function, and checks its result.
 *
 * Pure: the same arguments give the same result, so a turn whose commit failed can be taken again. It never throws: errors of the actor are
 * part of the `TurnResult`. A function that does not return is ended from outside, with its thread. Runs on the owner thread.
 */
import { types } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from '../errors.js';
import type { Context } from './actor.js';
import type { Definition, Message } from './definition.js';
import { InputError, parseInput, parseSearch } from './input-text.js';
import { BehaviorError, commandResult, queryResult } from './outcome.js';
import { sealState } from './state-text.js';
import type { InputIssue, TurnLimits, TurnResult } from './turn-result.js';
import { ValueError } from './value-error.js';
import type { Sealed } from './values.js';

/**
 * @param state of the actor; undefined when it has none: the turn starts from `initial`.
 * @param inputText a command's JSON, or a query's search parameters without the question mark.
 */
export function takeTurn(
  definition: Definition,
  message: Message,
  state: Sealed | undefined,
  inputText: string | undefined,
  context: Context,
  limits: TurnLimits,
): TurnResult {
  try {
    const isCommand = message.kind === 'command';
    const sent = isCommand ? parseInput(inputText) : parseSearch(inputText);
    const input = message.schema === undefined ? sent : validated(message.schema, sent);
    const before = state ?? initialState(definition, context.key, limits);
    const result = message.run(before.value, input, context);
    return isCommand ? commandResult(result, state, limits) : queryResult(result, limits);
  } catch (error) {
    if (error instanceof InputError) {
      return { kind: 'invalid', code: error.code, detail: error.message, issues: error.issues };
    }
    const name = `${definition.name}.${message.name}`;
    const sentence = sentenceOf(error);
    return {
      kind: 'failed',
      code: 'behavior-failed',
      reason: `${name} ${sentence ?? `threw: ${messageOf(error)}`}`,
      shown: `${name} ${sentence ?? 'threw; the log of the server tells what'}`,
      stack: stackOf(error),
    };
  }
}

/** State of a key that has none. */
function initialState({ initial }: Definition, key: string, limits: TurnLimits): Sealed {
  return typeof initial === 'function' ? sealState(initial(key), 'initial', limits.stateBytes) : initial;
}

/** @throws InputError `input-invalid` */
function validated(schema: StandardSchemaV1, sent: unknown): unknown {
  const result = schema['~standard'].validate(sent);
  if (types.isPromise(result)) {
    result.catch(() => {});
    throw new BehaviorError('has an asynchronous schema; a turn is synchronous');
  }
  const { issues, value } = result as { issues?: readonly StandardSchemaV1.Issue[]; value?: unknown };
  if (issues === undefined) return value;
  const found = issues.map(({ message, path = [] }): InputIssue => ({ message, path: pathOf(path) }));
  const sentences = found.map(({ message, path }) => (path === '' ? message : `${path}: ${message}`));
  throw new InputError('input-invalid', sentences.join('; '), found);
}

function pathOf(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  const steps = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
  return steps
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

/** The sentence about an invalid result; undefined for an error that the actor has thrown. */
function sentenceOf(error: unknown): string | undefined {
  if (error instanceof BehaviorError) return error.message;
  if (error instanceof ValueError) return `returned a value that cannot be used: ${error.message}`;
  return undefined;
}

function stackOf(error: unknown): string | undefined {
  if (error instanceof BehaviorError || error instanceof ValueError) return undefined;
  try {
    return types.isNativeError(error) && typeof error.stack === 'string' ? error.stack : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Turns the environment into one frozen, valid `Config`. All mistakes are reported in one message. The message repeats no value, which may be a credential.
 */
import * as v from 'valibot';
import { WarrenError } from '../errors.js';
import { type Parts, partsOf } from './parts.js';
import { ENVIRONMENT } from './relations.js';
import { type PlainFields, VARIABLE_NAMES, VARIABLES, type Values } from './variables.js';

/** An operator who sets REDIS_KEY has data under that key. A start that ignored it would begin a fresh sequence. */
const FORMER_KEY =
  '  - REDIS_KEY is gone: all keys begin with REDIS_PREFIX now, and records of that form are not read';

/** A field for each variable of the table, and what several of them make together. */
export type Config = PlainFields & Parts;

/**
 * @param actors from the command line, in the place of `ACTORS`.
 * @throws WarrenError `config-invalid`, with a line for every mistake.
 */
export function readConfig(
  environment: Record<string, string | undefined>,
  actors?: readonly string[],
): Config {
  const given: Record<string, unknown> = Object.fromEntries(
    VARIABLE_NAMES.map((name) => [name, environment[name] ?? VARIABLES[name].fallback]),
  );
  if (actors) given['ACTORS'] = actors;
  const { success, output, issues } = v.safeParse(ENVIRONMENT, given);
  const mistakes = issues?.map((issue) => `  - ${v.getDotPath(issue)} ${issue.message}`) ?? [];
  if (environment['REDIS_KEY'] !== undefined) mistakes.push(FORMER_KEY);
  if (!success || mistakes.length > 0) {
    throw new WarrenError('config-invalid', mistakes.join('\n'));
  }
  return Object.freeze({
    ...plainFields(output),
    ...partsOf(output, environment['ADMIN_HOST_PORT'] !== undefined),
  });
}

function plainFields(values: Values): PlainFields {
  const fields = VARIABLE_NAMES.flatMap((name) => {
    const variable = VARIABLES[name];
    return 'fills' in variable ? [[variable.fills, values[name]]] : [];
  });
  return Object.fromEntries(fields);
}

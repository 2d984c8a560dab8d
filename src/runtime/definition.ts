/**
 * The checked, frozen definition of an actor, as the owner uses it. `checkDefinitions` makes it at the start from what users wrote.
 *
 * All mistakes of all modules are reported in one error. In a checked definition names are valid path segments, handlers are functions, and
 * the initial value can be stored.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { WarrenError } from '../errors.js';
import { DefinitionCheck } from './definition-check.js';
import type { Sealed } from './values.js';

export interface ActorModule {
  /** How error messages name the module: its path. */
  readonly place: string;
  /** The default export. */
  readonly exported: unknown;
}

export type MessageKind = 'command' | 'query';

export interface Message {
  readonly name: string;
  readonly kind: MessageKind;
  /** Position in `Definition.messageList`. */
  readonly index: number;
  readonly schema: StandardSchemaV1 | undefined;
  readonly run: (state: unknown, input: unknown, context: unknown) => unknown;
}

export interface Definition {
  readonly name: string;
  /** The module that it came from. */
  readonly place: string;
  readonly version: number;
  readonly initial: Sealed | ((key: string) => unknown);
  readonly messages: ReadonlyMap<string, Message>;
  /** Commands first, then queries, each in the order in which they were written. */
  readonly messageList: readonly Message[];
  /** At position v - 1: makes version v + 1 from version v. */
  readonly migrations: readonly ((old: unknown) => unknown)[];
}

/** @throws WarrenError `actor-invalid` with one line per mistake. */
export function checkDefinitions(modules: readonly ActorModule[]): Definition[] {
  const mistakes: string[] = [];
  const definitions: Definition[] = [];
  for (const { place, exported } of modules) {
    const actors = Array.isArray(exported) ? exported : [exported];
    if (actors.length === 0) mistakes.push(`${place}: the default export is an empty array`);
    actors.forEach((written: unknown, index) => {
      const check = new DefinitionCheck(place, Array.isArray(exported) ? `actor ${index + 1}` : '');
      const definition = check.run(written);
      mistakes.push(...check.mistakes);
      const double = definitions.find(({ name }) => name === definition?.name);
      if (double) mistakes.push(`${place}: ${double.name}: ${double.place} has an actor of this name, too`);
      if (definition) definitions.push(definition);
    });
  }
  if (mistakes.length === 0) return definitions;
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
  throw new WarrenError(
    'actor-invalid',
    `there ${mistakes.length === 1 ? 'is' : 'are'} ${count} in the actors:\n  ${mistakes.join('\n  ')}`,
  );
}

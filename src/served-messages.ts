/**
 * The list of all messages that this process serves. The place in the list is the number of the message: first those of the modules, then those of
 * the residents, then the edits of operators.
 */
import type { Config } from './config/config.js';
import type { Target } from './nodes/router.js';
import { residentNamed } from './residents/residents.js';
import type { Definition } from './runtime/definition.js';
import { EDIT_NAMES } from './runtime/owner/edit.js';
import type { Versions } from './store/node-entry.js';

/** In the order of their numbers. */
export function messagesOf(
  { residents }: Config,
  definitions: readonly Definition[],
): { readonly actor: string; readonly name: string }[] {
  return [
    ...definitions.flatMap(({ name: actor, messageList }) =>
      messageList.map(({ name }) => ({ actor, name })),
    ),
    ...residents.flatMap((actor) => residentNamed(actor).messages.map((name) => ({ actor, name }))),
    ...definitions.flatMap(({ name: actor }) => EDIT_NAMES.map((name) => ({ actor, name }))),
  ];
}

/** Method and path by which a node forwards each message to another node. Edits of operators are not forwarded. */
export function targetsOf({ residents }: Config, definitions: readonly Definition[]): Target[] {
  return [
    ...definitions.flatMap(({ name: actor, messageList }) =>
      messageList.map(({ name, kind }): Target => {
        return { method: kind === 'command' ? 'POST' : 'GET', path: [`/${actor}/`, `/${name}`] };
      }),
    ),
    ...residents.flatMap((name) =>
      residentNamed(name).targets.map(({ method, path }): Target => ({ method, path: [path, ''] })),
    ),
  ];
}

/** The version of the states of each actor. A built-in one has one version. */
export function versionsOf({ residents }: Config, definitions: readonly Definition[]): Versions {
  return Object.fromEntries([
    ...definitions.map(({ name, version }): [string, number] => [name, version]),
    ...residents.map((name): [string, number] => [name, 1]),
  ]);
}

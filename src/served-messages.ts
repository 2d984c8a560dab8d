/** What this process serves, by the numbers of the messages: those of the modules, then those of the residents, then the edits of operators. */
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

/** How one node asks another, by the number of the message. Edits of operators are not forwarded. */
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

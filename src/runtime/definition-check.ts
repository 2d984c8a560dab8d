/** Checks the definition of one actor as its user wrote it. Collects all mistakes, so that the user sees them in one error. */
import { types } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from '../errors.js';
import type { Definition, Message, MessageKind } from './definition.js';
import { isPlainPrototype, seal } from './values.js';

const ACTOR_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const MESSAGE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** `then` would make a client's object look like a promise. */
export const RESERVED_ACTOR_NAMES = ['health', 'ready', 'metrics', 'next', 'current', 'previous', 'then'];
const RESERVED_MESSAGE_NAMES = ['then'];

const DEFINITION_MEMBERS = ['name', 'version', 'initial', 'commands', 'queries', 'migrate'];
const MESSAGE_MEMBERS = ['input', 'run'];

export class DefinitionCheck {
  readonly mistakes: string[] = [];
  readonly #place: string;
  #title: string;

  constructor(place: string, title: string) {
    this.#place = place;
    this.#title = title;
  }

  /** @returns the checked definition; undefined when the actor has no name. `mistakes` says whether it can be used. */
  run(written: unknown): Definition | undefined {
    if (!isPlainObject(written)) {
      this.#mistake(
        `${written === undefined ? 'there is no default export' : 'the default export'}`,
        written,
      );
      return undefined;
    }
    const name = this.#name(written);
    this.#unknownMembers(written, DEFINITION_MEMBERS, '');
    const version = this.#version(written);
    const initial = this.#initial(written);
    const messageList = this.#messages(written);
    const migrations = this.#migrations(written, version);
    if (name === undefined) return undefined;
    return Object.freeze({
      name,
      place: this.#place,
      version,
      initial,
      messages: new Map(messageList.map((message) => [message.name, message])),
      messageList,
      migrations,
    });
  }

  #name({ name }: PlainObject): string | undefined {
    if (typeof name !== 'string' || name === '') {
      this.#say('it has no name');
      return undefined;
    }
    this.#title = name;
    if (!ACTOR_NAME.test(name)) {
      this.#say(
        'the name must be a lower-case letter, then at most 62 lower-case letters, digits and hyphens',
      );
    }
    if (RESERVED_ACTOR_NAMES.includes(name)) this.#say('the name is reserved');
    return name;
  }

  #version({ version = 1 }: PlainObject): number {
    if (Number.isSafeInteger(version) && (version as number) >= 1) return version as number;
    this.#say('version must be a whole number from 1');
    return 1;
  }

  #initial(written: PlainObject): Definition['initial'] {
    const { initial } = written;
    if (typeof initial === 'function') {
      if (this.#isSynchronous(initial, 'initial')) return (key) => initial.call(written, key) as unknown;
    } else if (initial === undefined) {
      this.#say('initial is missing: the state of a key that has none, or a function of the key');
    } else {
      try {
        return seal(initial, 'initial');
      } catch (error) {
        this.#say(messageOf(error));
      }
    }
    return seal(null, 'initial');
  }

  #messages({ commands, queries = {} }: PlainObject): Message[] {
    const list: Message[] = [];
    if (!isPlainObject(commands)) this.#say('commands must be an object of functions');
    else if (Object.keys(commands).length === 0)
      this.#say('it has no commands, so it would never have a state');
    else this.#messagesOf('command', commands, list);
    if (!isPlainObject(queries)) this.#say('queries must be an object of functions');
    else this.#messagesOf('query', queries, list);
    return Object.freeze(list) as Message[];
  }

  #messagesOf(kind: MessageKind, holder: PlainObject, list: Message[]): void {
    for (const [name, written] of Object.entries(holder)) {
      const title = `${kind} ${name}`;
      if (!MESSAGE_NAME.test(name)) {
        this.#say(
          `${title}: a name must be a letter, then at most 62 letters, digits, hyphens and underscores`,
        );
      }
      if (RESERVED_MESSAGE_NAMES.includes(name)) this.#say(`${title}: the name is reserved`);
      if (list.some((message) => message.name === name))
        this.#say(`${title}: there is a command of this name`);
      const handler = this.#handler(title, holder, written);
      if (handler) list.push(Object.freeze({ name, kind, index: list.length, ...handler }));
    }
  }

  #handler(
    title: string,
    holder: PlainObject,
    written: unknown,
  ): Pick<Message, 'schema' | 'run'> | undefined {
    if (typeof written === 'function') {
      if (!this.#isSynchronous(written, title)) return undefined;
      // Handlers may call each other by `this`.
      return {
        schema: undefined,
        run: (state, input, context) => written.call(holder, state, input, context),
      };
    }
    if (!isPlainObject(written)) {
      this.#say(`${title}: it must be a function, or an object with input and run`);
      return undefined;
    }
    this.#unknownMembers(written, MESSAGE_MEMBERS, `${title}: `);
    const { input, run } = written;
    if (input !== undefined && !isSchema(input)) {
      this.#say(`${title}: input must be a Standard Schema (https://standardschema.dev)`);
    }
    if (typeof run !== 'function') {
      this.#say(`${title}: run must be a function`);
      return undefined;
    }
    if (!this.#isSynchronous(run, title)) return undefined;
    return {
      schema: input as StandardSchemaV1 | undefined,
      run: (state, value, context) => run.call(written, state, value, context),
    };
  }

  #migrations({ migrate = {} }: PlainObject, version: number): Definition['migrations'] {
    if (!isPlainObject(migrate)) {
      this.#say('migrate must be an object of functions');
      return [];
    }
    for (const name of Object.keys(migrate)) {
      const from = Number(name);
      if (!Number.isSafeInteger(from) || String(from) !== name || from < 1 || from >= version) {
        this.#say(`migrate: ${JSON.stringify(name)} is no version from 1 to ${version - 1}`);
      }
    }
    const steps = Array.from({ length: Math.min(version - 1, 10_000) }, (_, i) => migrate[i + 1]);
    const missing = steps.flatMap((step, i) => (step === undefined ? [i + 1] : []));
    if (missing.length > 0) {
      this.#say(`migrate: there is no step from version ${missing.slice(0, 8).join(', ')}`);
    }
    steps.forEach((step, i) => {
      if (step === undefined) return;
      if (typeof step !== 'function') this.#say(`migrate: the step from version ${i + 1} must be a function`);
      else this.#isSynchronous(step, `migrate: the step from version ${i + 1}`);
    });
    return Object.freeze(steps) as Definition['migrations'];
  }

  #isSynchronous(written: unknown, title: string): boolean {
    if (!types.isAsyncFunction(written) && !types.isGeneratorFunction(written)) return true;
    this.#say(`${title}: a turn is synchronous; this is an async function or a generator`);
    return false;
  }

  #unknownMembers(object: PlainObject, known: readonly string[], title: string): void {
    for (const name of Reflect.ownKeys(object)) {
      if (known.includes(name as string)) continue;
      this.#say(`${title}${JSON.stringify(String(name))} is unknown; there are ${known.join(', ')}`);
    }
  }

  #mistake(what: string, written: unknown): void {
    this.#say(written === undefined ? what : `${what} is no actor, which is a plain object`);
  }

  #say(sentence: string): void {
    this.mistakes.push([this.#place, this.#title, sentence].filter((part) => part !== '').join(': '));
  }
}

type PlainObject = Record<string, unknown>;

function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return (
    isPlainPrototype(Object.getPrototypeOf(value)) ||
    Object.prototype.toString.call(value) === '[object Module]'
  );
}

/** A schema may be a function with members. */
function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchemaV1>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

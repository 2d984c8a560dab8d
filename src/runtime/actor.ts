/**
 * The types and functions with which a user of Warren writes an actor: a set of pure functions on its state.
 *
 * `actor()` and `refuse()` only add types; a plain object of the same shape is an actor too. `definition.ts` checks actors when they are
 * loaded. All functions must be synchronous and pure, since a turn whose commit failed is taken again, with the same context.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What Warren tells a handler about its turn. It is all that a handler may depend on beside state and input. */
export interface Context {
  /** Name of the actor. */
  readonly actor: string;
  /** Which of the actor's states this turn is about. 1 to 256 bytes of UTF-8. */
  readonly key: string;
  /** Milliseconds since 1970. Never goes back within an actor. */
  readonly now: number;
  /** Unique for each turn. The same when a turn is taken again. */
  readonly id: string;
  /** Undefined until there is authentication. */
  readonly caller: undefined;
}

/** A handler's "no": a value, not an exception. The state stays as it was. Made by `refuse`. */
export interface Refusal<Code extends string = string, Details = unknown> {
  /** The stable code, the HTTP status (400 to 499, by default 409), and any value that a reply may hold. */
  readonly refuse: { readonly code: Code; readonly status?: number; readonly details?: Details };
}

/**
 * Makes a refusal, which a command or a query returns in place of a result.
 *
 * @param code the stable name that clients match on, such as `sold-out`.
 */
export function refuse<const Code extends string>(code: Code): Refusal<Code, undefined>;
/**
 * The same with details, which the client gets beside the code.
 *
 * @param details any value that a reply may hold.
 * @param status HTTP status from 400 to 499. The default is 409.
 */
export function refuse<const Code extends string, Details>(
  code: Code,
  details: Details,
  status?: number,
): Refusal<Code, Details>;
export function refuse(code: string, details?: unknown, status?: number): Refusal {
  return {
    refuse: {
      code,
      ...(details === undefined ? {} : { details }),
      ...(status === undefined ? {} : { status }),
    },
  };
}

/** What a command returns unless it refuses. All members may be left out. */
export interface Outcome<State, Reply = unknown> {
  /** The next state. Left out or undefined: unchanged. */
  readonly state?: State | undefined;
  /** Left out or undefined: the answer has no body. */
  readonly reply?: Reply;
  /** True: the actor's state is deleted, and its next message starts from `initial`. */
  readonly forget?: boolean | undefined;
  /** Only a refusal has it. */
  readonly refuse?: undefined;
}

/** Declared as a method: its parameters are checked less strictly, so a handler may declare the type of its input without a schema. */
interface Handler<State, Input, Result> {
  run(state: State, input: Input, context: Context): Result;
}

/** A command or a query: the handler alone, or the handler with a schema for its input. */
type Message<State, Input, Result> =
  | Handler<State, Input, Result>['run']
  | {
      /** Any Standard Schema (https://standardschema.dev) that validates synchronously. */
      readonly input: StandardSchemaV1<unknown, Input>;
      /** Gets the schema's output. */
      readonly run: (state: State, input: Input, context: Context) => Result;
    };

/** What the handler of a message takes and returns. */
export type InputOf<M> = M extends { readonly input: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : M extends (state: never, ...rest: infer Rest) => unknown
    ? Rest extends []
      ? undefined
      : Rest extends [(infer Input)?, ...unknown[]]
        ? Input
        : never
    : never;

export type ResultOf<M> = M extends (...args: never) => infer Result
  ? Result
  : M extends { run(...args: never): infer Result }
    ? Result
    : never;

/** Makes an unknown member of a result a type error, which TypeScript by itself does not report. */
type OnlyKnownMembers<Commands> = {
  readonly [Name in keyof Commands]: [
    Exclude<MembersOf<ResultOf<Commands[Name]>>, keyof Outcome<unknown>>,
  ] extends [never]
    ? unknown
    : 'a command returns { state?, reply?, forget? } or refuse()';
};

type MembersOf<Union> = Union extends unknown ? keyof Union : never;

/** Makes an input of a query with other members than strings a type error: search parameters are strings. */
type OnlyStrings<Queries> = {
  readonly [Name in keyof Queries]: unknown extends InputOf<Queries[Name]>
    ? unknown
    : InputOf<Queries[Name]> extends
          | { readonly [K in keyof InputOf<Queries[Name]>]: string | undefined }
          | undefined
      ? unknown
      : 'the input of a query holds strings: it is the search parameters';
};

/** Inferred from one definition: its state, commands and queries, and what their schemas make of the inputs. */
interface Definition<Name extends string, State, Commands, CommandInputs, Queries, QueryInputs> {
  /** `[a-z][a-z0-9-]{0,62}`: the first segment of the actor's paths. */
  readonly name: Name;
  /** Version of the state's shape, from 1. */
  readonly version?: number;
  /** State of a key that has none: a value, or a function of the key. */
  readonly initial: State | ((key: string) => State);
  readonly commands: Commands & {
    readonly [K in keyof CommandInputs]: Message<
      NoInfer<State>,
      CommandInputs[K],
      Outcome<NoInfer<State>> | Refusal
    >;
  } & OnlyKnownMembers<Commands>;
  /** A query returns its reply. It changes nothing. It may refuse. */
  readonly queries?: Queries & {
    readonly [K in keyof QueryInputs]: Message<NoInfer<State>, QueryInputs[K], unknown>;
  } & OnlyStrings<Queries>;
  /** `migrate[1]` makes a state of version 2 from one of version 1, and so on, up to `version`. */
  readonly migrate?: { readonly [version: number]: (old: never) => unknown };
}

/** An actor's definition. Its type is what `createClient` and `TestActor` are given: `typeof tickets`. */
export interface Actor<Name extends string = string, State = unknown, Commands = unknown, Queries = unknown> {
  /** First segment of the actor's paths: `[a-z][a-z0-9-]{0,62}`, and none of `health`, `ready`, `metrics`, `next`, `current`, `previous`, `then`. */
  readonly name: Name;
  /** Version of the state's shape, from 1, which is the default. */
  readonly version?: number;
  /** State of a key that has none: a value, or a function of the key. */
  readonly initial: State | ((key: string) => State);
  /** Functions `(state, input, context) => { state?, reply?, forget? }` or a refusal, by their names; or `{ input: schema, run }`. */
  readonly commands: Commands;
  /** Functions `(state, input, context) => reply` or a refusal, by their names. They change nothing. */
  readonly queries?: Queries;
  /** `migrate[1]` makes a state of version 2 from one of version 1, and so on, up to `version`. */
  readonly migrate?: { readonly [version: number]: (old: never) => unknown };
}

/**
 * Gives types to the definition of an actor, and returns it as it is. What is wrong with it is found when it is served or tested: an error
 * `actor-invalid` lists all mistakes.
 */
export function actor<
  const Name extends string,
  State extends NonNullable<unknown> | null,
  Commands,
  CommandInputs,
  Queries,
  QueryInputs,
>(
  definition: Definition<Name, State, Commands, CommandInputs, Queries, QueryInputs>,
): Actor<Name, State, Commands, Queries> {
  return definition;
}

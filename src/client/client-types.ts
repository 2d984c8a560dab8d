/** The types of a client, computed from the types of actors. Types only: no module of an actor is loaded. */
import type { InputOf, ResultOf } from '../runtime/actor.js';
import type { CallOptions } from './client.js';

/** What `createClient` returns: one function of the key for each actor. */
export type Client<Actors> = {
  readonly [Name in NameOf<OneOf<Actors>>]: (
    key: string,
  ) => Handle<Extract<OneOf<Actors>, { readonly name: Name }>>;
};

type OneOf<Actors> = Actors extends readonly (infer One)[] ? One : Actors;
type NameOf<One> = One extends { readonly name: infer Name extends string } ? Name : never;

/** One actor: an async function for each of its commands and queries, `(input, options?) => Promise<Answer>`. */
export type Handle<One> = MessagesOf<One, 'commands'> & MessagesOf<One, 'queries'>;

type MessagesOf<One, Kind extends 'commands' | 'queries'> = One extends {
  readonly [K in Kind]?: infer Messages;
}
  ? {
      readonly [Name in keyof NonNullable<Messages>]: Call<
        InputOf<NonNullable<Messages>[Name]>,
        ReplyOf<ResultOf<NonNullable<Messages>[Name]>, Kind>,
        RefusalOf<ResultOf<NonNullable<Messages>[Name]>>
      >;
    }
  : unknown;

type Call<Input, Reply, Refusal> = unknown extends Input
  ? (input?: unknown, options?: CallOptions) => Promise<Answer<Reply, Refusal>>
  : undefined extends Input
    ? (input?: Input, options?: CallOptions) => Promise<Answer<Reply, Refusal>>
    : (input: Input, options?: CallOptions) => Promise<Answer<Reply, Refusal>>;

/**
 * What a call resolves to. `ok` tells a reply from a refusal. There is always a refusal to handle: the actor that runs on the server may be
 * newer than the types here.
 */
export type Answer<Reply, Refusal = AnyRefusal> = Receipt &
  (
    | { readonly ok: true; readonly reply: Reply; readonly refusal?: undefined }
    | {
        readonly ok: false;
        readonly reply?: undefined;
        readonly refusal: [Refusal] extends [never] ? AnyRefusal : Refusal;
      }
  );

/** What the server says about how the answer came to be. */
export interface Receipt {
  /**
   * The commit that made a command durable, as `SHARD.EPOCH.VERSION`. Of a `replayed` answer it may be a later one. Undefined for a query, and
   * with `DURABILITY=async`.
   */
  readonly commit: string | undefined;
  /** True: the command had taken effect with an earlier attempt, and this is the answer of that time. */
  readonly replayed: boolean;
}

/** A refusal whose codes the types do not know. */
export interface AnyRefusal {
  /** The actor's stable code. */
  readonly code: string;
  /** HTTP status, 400 to 499. */
  readonly status: number;
  /** What the actor added, as JSON. */
  readonly details?: unknown;
}

type RefusalOf<Result> = Result extends {
  readonly refuse: { readonly code: infer Code; readonly details?: infer Details };
}
  ? { readonly code: Code; readonly status: number; readonly details: Wire<Details> }
  : never;

/** A query returns its reply, a command an outcome with a reply in it. */
type ReplyOf<Result, Kind> = Result extends { readonly refuse: object }
  ? never
  : Kind extends 'queries'
    ? Wire<Result>
    : 'reply' extends keyof Result
      ? Wire<Result['reply']>
      : undefined;

/**
 * A value after its way through JSON. A bigint travels as an exact JSON number: what a double holds exactly comes back as a number, the rest
 * as a bigint.
 */
export type Wire<Value> = Value extends bigint
  ? number | bigint
  : Value extends string | number | boolean | null | undefined
    ? Value
    : { readonly [Member in keyof Value]: Wire<Value[Member]> };

/** What the types of actors say about a client. Types alone: nothing of an actor's module is loaded. */
import type { InputOf, ResultOf } from '../runtime/actor.js';
import type { CallOptions } from './client.js';

/** One function of the key for each actor. */
export type Client<Actors> = {
  readonly [Name in NameOf<OneOf<Actors>>]: (
    key: string,
  ) => Handle<Extract<OneOf<Actors>, { readonly name: Name }>>;
};

type OneOf<Actors> = Actors extends readonly (infer One)[] ? One : Actors;
type NameOf<One> = One extends { readonly name: infer Name extends string } ? Name : never;

/** One actor: a function for each of its messages. */
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
 * What comes back. `ok` tells a reply from a refusal. An actor that has just been deployed may refuse with more codes than its types know
 * here, so there is always a refusal to think of.
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

/** What the server says of how the answer came about. */
export interface Receipt {
  /**
   * Of a command: the commit that made it durable, `SHARD.EPOCH.VERSION`; where it is `replayed`, perhaps a later one. Undefined for a query, and
   * where durability is `async`.
   */
  readonly commit: string | undefined;
  /** The command had taken effect before, and this is its answer once more. */
  readonly replayed: boolean;
}

export interface AnyRefusal {
  readonly code: string;
  readonly status: number;
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

/** A bigint is an exact JSON number. What a double holds exactly comes back as a number, the rest as a bigint. */
export type Wire<Value> = Value extends bigint
  ? number | bigint
  : Value extends string | number | boolean | null | undefined
    ? Value
    : { readonly [Member in keyof Value]: Wire<Value[Member]> };

/**
 * An actor in the process of a test, without threads, store or HTTP: its turns, its stored states, its restarts and crashes, with a clock that
 * the test sets. For any test runner.
 *
 *   const tickets = new TestActor(definition);
 *   const { reply } = await tickets.ask('berlin', 'take', { seats: 2 });
 *
 * Inputs and replies go through their JSON texts, as over HTTP. Each turn is taken twice and must have the same result both times, since
 * Warren takes a turn again when its commit was lost.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Handle } from '../client/client-types.js';
import { parseExact } from '../client/exact-json.js';
import { searchOf } from '../client/search.js';
import { checkDefinitions, type Definition, type Message } from '../runtime/definition.js';
import { loadState } from '../runtime/load-state.js';
import { replyText } from '../runtime/reply-text.js';
import { decodeState, sealState, stateText } from '../runtime/state-text.js';
import { takeTurn } from '../runtime/turn.js';
import type { NextState, Text, TurnLimits, TurnResult } from '../runtime/turn-result.js';
import type { Sealed } from '../runtime/values.js';

/** What `TestActor` takes. */
export interface TestOptions {
  /** Where the clock starts, in milliseconds since 1970. Default 0. */
  readonly now?: number;
  /** Largest state, in bytes. Default 1 MiB. */
  readonly stateBytes?: number;
  /** Largest reply, in bytes. Default 1 MiB. */
  readonly replyBytes?: number;
}

/** Thrown by `TestActor.ask` when the turn has no answer. */
export class TurnError extends Error {
  override readonly name = 'TurnError';
  /** The code of the problem over HTTP, such as `input-invalid`, or `connection-lost` after a crash. */
  readonly code: string;

  /** @param cause the stack of what was thrown, or the issues that the schema has found. */
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

interface StoredState {
  readonly version: number;
  readonly text: string;
}

/** Whether the change is stored when the process dies. */
export type CrashTime = 'before-commit' | 'after-commit';

const MEBIBYTE = 2 ** 20;

/**
 * One actor with all its keys.
 *
 * @typeParam One `typeof` the actor.
 */
export class TestActor<One> {
  readonly #definition: Definition;
  readonly #limits: TurnLimits;
  /** What survives a restart. */
  readonly #stored = new Map<string, StoredState>();
  /** What does not. */
  readonly #memory = new Map<string, Sealed>();
  #now: number;
  #turns = 0;
  #crash: CrashTime | undefined;

  /**
   * @param actor the definition, as a module exports it.
   * @throws WarrenError `actor-invalid` with every mistake in the definition.
   */
  constructor(actor: One, { now = 0, stateBytes = MEBIBYTE, replyBytes = MEBIBYTE }: TestOptions = {}) {
    const [definition] = checkDefinitions([{ place: 'the test', exported: [actor] }]);
    this.#definition = definition as Definition;
    this.#limits = { stateBytes, replyBytes, largeBigintBits: Number.POSITIVE_INFINITY };
    this.#now = now;
  }

  /** The clock: what the next turn gets as `context.now`. */
  get now(): number {
    return this.#now;
  }

  /** Moves the clock forward. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError('the clock of an actor never goes back');
    this.#now += milliseconds;
  }

  /**
   * Sends a message and resolves to `{ ok, reply }` or `{ ok, refusal }`, as a client would.
   *
   * @param name of a command or a query.
   * @throws TurnError when the input is not valid, the actor throws, its state cannot be loaded, or `crash` was called.
   */
  async ask<Name extends keyof Handle<One> & string>(
    key: string,
    name: Name,
    ...[input]: Handle<One>[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Awaited<Handle<One>[Name] extends (...args: never) => infer Answer ? Answer : never>> {
    const message = this.#definition.messages.get(name);
    if (message === undefined)
      throw new TurnError('not-found', `${this.#definition.name} has no message ${name}`);
    return this.#answer(key, this.#turn(key, message, input)) as never;
  }

  /** The state of a key that a restart would load. Undefined where there is none. */
  stored(key: string): unknown {
    const stored = this.#stored.get(key);
    return stored && decodeState(stored.text).value;
  }

  /** Stores a state, such as one of an older version of the actor. The next turn of the key loads it. */
  store(key: string, state: unknown, version = this.#definition.version): void {
    this.#stored.set(key, { version, text: stateText(sealState(state, 'state', this.#limits.stateBytes)) });
    this.#memory.delete(key);
  }

  /** Forgets what is in memory: the next turn of each key loads its state from the store. */
  restart(): void {
    this.#memory.clear();
  }

  /** Makes the process die at the next commit: the caller gets no answer, and the change is stored or not. */
  crash(time: CrashTime = 'before-commit'): void {
    this.#crash = time;
  }

  #turn(key: string, message: Message, input: unknown): TurnResult {
    this.#turns += 1;
    const { name } = this.#definition;
    const context = Object.freeze({
      actor: name,
      key,
      now: this.#now,
      id: `turn-${this.#turns}`,
      caller: undefined,
    });
    const text =
      message.kind === 'query' ? searchOf(input) : input === undefined ? undefined : JSON.stringify(input);
    const state = this.#load(key);
    const take = () => takeTurn(this.#definition, message, state, text, context, this.#limits);
    const [result, again] = [take(), take()];
    if (isDeepStrictEqual(withoutStack(result), withoutStack(again))) return result;
    throw new TurnError(
      'behavior-failed',
      `${name}.${message.name} is not pure: taken twice with the same state, input and context it came to different results`,
    );
  }

  #load(key: string): Sealed | undefined {
    const known = this.#memory.get(key);
    const stored = this.#stored.get(key);
    if (known !== undefined || stored === undefined) return known;
    const loaded = loadState(this.#definition, stored.version, stored.text, this.#limits.stateBytes);
    if (loaded.kind === 'unreadable') throw new TurnError('state-unreadable', loaded.reason);
    this.#memory.set(key, loaded.state);
    return loaded.state;
  }

  #answer(key: string, result: TurnResult): unknown {
    switch (result.kind) {
      case 'replied':
        this.#commit(key, result.next);
        return { ok: true, reply: shown(result.reply) };
      case 'refused': {
        const { code, status, details } = result;
        return { ok: false, refusal: { code, status, details: shown(details) } };
      }
      case 'failed':
        throw new TurnError(result.code, result.reason, result.stack);
      case 'invalid':
        throw new TurnError(result.code, result.detail, result.issues);
    }
  }

  #commit(key: string, next: NextState): void {
    if (next.kind === 'unchanged') return;
    const crash = this.#crash;
    this.#crash = undefined;
    if (crash !== 'before-commit') this.#write(key, next);
    if (crash === undefined) return;
    this.restart();
    throw new TurnError('connection-lost', `the process died ${crash.replace('-', ' ')}`);
  }

  #write(key: string, next: Exclude<NextState, { kind: 'unchanged' }>): void {
    if (next.kind === 'forgotten') {
      this.#stored.delete(key);
      this.#memory.delete(key);
    } else {
      this.#stored.set(key, { version: this.#definition.version, text: stateText(next.state) });
      this.#memory.set(key, next.state);
    }
  }
}

function shown(text: Text): unknown {
  if (text.kind === 'none') return undefined;
  return parseExact(text.kind === 'text' ? text.text : replyText(text.checked));
}

function withoutStack(result: TurnResult): TurnResult {
  return result.kind === 'failed' ? { ...result, stack: undefined } : result;
}

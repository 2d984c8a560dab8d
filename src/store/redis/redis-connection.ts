/**
 * One connection to Redis. It connects, logs in, sends commands, and turns errors into a `WarrenError` that says whether the command may have
 * had an effect. Runs on the owner thread.
 *
 * The client library does not reconnect: a command without an answer may still be under way, so the connection is dropped and no command is
 * sent again. The library does not log in either. It would send several commands at once, and a write to a connection that Redis has closed
 * discards the error with which Redis closed it. Here each of the first commands waits for the answer to the one before, so that error is read.
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { messageOf, WarrenError } from '../../errors.js';
import type { CommitOutcome } from '../contract.js';
import { BEAT_NODE, LEAVE_NODE, LIST_NODES } from './node-scripts.js';
import { Redirection } from './redirection.js';
import type { RedisAddress } from './redis-url.js';
import { type Refusal, refusalOf } from './refusals.js';
import { ReplicaAcks } from './replica-acks.js';
import { COMMIT_GROUP, LOAD_ACTORS, READ_ACTORS, READ_THESE } from './scripts.js';

/** Field, text, field, text, … */
export type Fields = string[];

export type Client = Redis & {
  commitGroup(...keysAndArguments: (string | number)[]): Promise<CommitOutcome>;
  loadActors(
    ...keysLimitAndIds: (string | number)[]
  ): Promise<[fence: string | null, texts: (string | null)[]]>;
  readActors(
    states: string,
    cursor: string,
    count: number,
    records: string,
  ): Promise<[next: string, states: Fields, records: Fields[]]>;
  readThese(...keysAndIds: (string | number)[]): Promise<[text: string | null, records: Fields][]>;
  beatNode(
    ...keyAndArguments: (string | number)[]
  ): Promise<[revision: string, holder: [text: string, renewals: number] | null, living: string[] | null]>;
  leaveNode(...keyAndArguments: string[]): Promise<null>;
  listNodes(key: string): Promise<string[]>;
};

/** The names of commands and keys. The first key selects the server; error messages show both. */
export interface CommandInfo {
  /** The command; of a script also the commands that it calls. */
  readonly commands: string;
  readonly keys: readonly string[];
}

export interface ConnectionOptions {
  /** Bound on connecting and on every command, in milliseconds. */
  readonly timeoutMs: number;
  /** Commands to send after the login. A server that refuses one of them is not used. */
  readonly greeting?: readonly (readonly [string, ...string[]])[];
  /** How many replicas must have a commit before it counts. */
  readonly replicas?: number;
}

const UNKNOWN_SCRIPT = 'NOSCRIPT';

interface Script {
  readonly lua: string;
  /** Undefined when the caller says it with each call. */
  readonly numberOfKeys?: number;
}

const SCRIPTS: Readonly<Record<string, Script>> = {
  commitGroup: COMMIT_GROUP,
  loadActors: LOAD_ACTORS,
  readActors: READ_ACTORS,
  readThese: READ_THESE,
  beatNode: BEAT_NODE,
  leaveNode: LEAVE_NODE,
  listNodes: LIST_NODES,
};

/** Errors of a Redis that has no password. They are ignored, as Redis itself ignores the password of a named user without one. */
const NO_PASSWORD_NEEDED = /no password is set|without any password configured/;

export class RedisConnection {
  readonly #client: Client;
  readonly address: RedisAddress;
  readonly #options: ConnectionOptions;
  readonly #acks: ReplicaAcks;
  /** Why the connection broke, such as an untrusted certificate. The error of a command only says that the connection is closed. */
  #breach: Error | undefined;
  #opening: Promise<void> | undefined;
  #isCorked = false;
  #unsettled = 0;
  #closesWhenIdle = false;
  #dropped = false;

  constructor(address: RedisAddress, options: ConnectionOptions) {
    this.address = address;
    this.#options = options;
    const { timeoutMs, replicas = 0 } = options;
    const { host, port, tls } = address;
    this.#client = new Redis({
      host,
      port,
      ...(tls ? { tls: {} } : {}),
      lazyConnect: true,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      // Nothing is read from a dropped connection.
      disconnectTimeout: Math.min(timeoutMs, 100),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      reconnectOnError: () => false,
      // The library sends no HELLO, CLIENT or INFO, so the Redis user needs no right to them. `#open` sends the first commands.
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
    }) as Client;
    defineScripts(this.#client);
    // Without a listener the client prints the error.
    this.#client.on('error', (error: Error) => {
      this.#breach ??= error;
    });
    this.#acks = new ReplicaAcks(this.#client, replicas, timeoutMs);
  }

  /** Whether the connection is closed: it sends no further command. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Connects and logs in, once. Reads and writes no key. @throws WarrenError `store-refused`, `store-denied`. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /**
   * Sends commands, and first opens the connection when it is new.
   *
   * @throws WarrenError `store-refused`, `store-denied`: the commands had no effect; `store-unreachable`: they may have had one, or may
   * have one later.
   * @throws Redirection when another server has the keys; the commands had no effect.
   */
  async run<T>(info: CommandInfo, send: (client: Client) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    try {
      await this.open();
      return await this.#send(info, send);
    } finally {
      this.#unsettled -= 1;
      if (this.#closesWhenIdle) this.closeWhenIdle();
    }
  }

  async #send<T>(info: CommandInfo, send: (client: Client) => Promise<T>): Promise<T> {
    this.#cork();
    try {
      return await send(this.#client).catch((error) => {
        if (isReply(error) && error.message.startsWith(UNKNOWN_SCRIPT)) return send(this.#client);
        throw error;
      });
    } catch (cause) {
      const why = this.#whyOf(cause);
      const refusal = isReply(cause) ? refusalOf(why) : undefined;
      if (refusal?.effect === 'redirected') throw new Redirection(why, denied(info, why, refusal).message);
      if (refusal?.effect !== 'passes') this.drop();
      if (refusal?.effect === 'never') throw denied(info, why, refusal);
      throw new WarrenError(refusal ? 'store-refused' : 'store-unreachable', `Redis: ${why}`, { cause });
    }
  }

  /**
   * Sends a commit, and waits until `replicas` replicas have it. When fewer have it, the outcome is unknown: the commit is on the master, and is
   * lost if the master is.
   *
   * @throws as `run`; `store-unreachable` also when too few replicas have the commit.
   */
  async commit(info: CommandInfo, send: (client: Client) => Promise<CommitOutcome>): Promise<CommitOutcome> {
    const { replicas: wanted = 0 } = this.#options;
    if (wanted === 0) return this.run(info, send);
    const { outcome, replicas } = await this.run(info, (client) => this.#acks.commit(() => send(client)));
    if (outcome !== 'swapped' || replicas >= wanted) return outcome;
    throw new WarrenError(
      'store-unreachable',
      `Redis: ${replicas} of ${wanted} replicas have acknowledged the commit, so it may be lost with the master`,
    );
  }

  /** Closes the connection when all of its commands have an outcome. The caller sends no further one. */
  closeWhenIdle(): void {
    this.#closesWhenIdle = true;
    if (this.#unsettled === 0) this.drop();
  }

  drop(): void {
    // Disconnecting makes all waiting commands fail, and each of them calls `drop` again.
    if (this.#dropped) return;
    this.#dropped = true;
    this.#client.disconnect();
  }

  /** Makes all commands of one event-loop iteration leave with one write, such as the commits of several shards. */
  #cork(): void {
    const { stream } = this.#client;
    if (this.#isCorked) return;
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  /** Every failure here is `store-refused` or `store-denied`: no key was read or written yet. */
  async #open(): Promise<void> {
    try {
      await this.#client.connect();
      await this.#logIn();
      await this.#select();
      await this.#greet();
    } catch (error) {
      this.drop();
      if (error instanceof WarrenError) throw error;
      // Without the cause: a refused login carries the command, and with it the password.
      throw new WarrenError('store-refused', `Redis cannot be reached: ${this.#whyOf(error)}`);
    }
  }

  async #logIn(): Promise<void> {
    const { username, password } = this.address;
    if (!username && !password) return;
    const user = username || 'default';
    try {
      const words = username ? [username, password] : [password];
      await this.#client.call('AUTH', ...words);
    } catch (error) {
      if (!username && NO_PASSWORD_NEEDED.test(messageOf(error))) return;
      throw refusedAtFirst(`AUTH for the user "${user}"`, error);
    }
  }

  async #select(): Promise<void> {
    const { database } = this.address;
    if (database === 0) return;
    try {
      await this.#client.call('SELECT', database);
    } catch (error) {
      throw refusedAtFirst(`SELECT of the database ${database}`, error);
    }
  }

  async #greet(): Promise<void> {
    const { greeting = [], replicas = 0 } = this.#options;
    // A missing right to WAIT, or a replica in place of the master, must show here and not at the first commit.
    const words = replicas > 0 ? [...greeting, ['WAIT', '0', '1'] as const] : greeting;
    for (const [command, ...values] of words) {
      try {
        await this.#client.call(command, ...values);
      } catch (error) {
        throw refusedAtFirst(command, error);
      }
    }
  }

  #whyOf(error: unknown): string {
    const cause = isReply(error) ? error : (this.#breach ?? error);
    // The reason of a TLS alert. The whole message has only OpenSSL's internals besides.
    if (cause instanceof Error && 'reason' in cause) return `TLS: ${cause.reason}`;
    return messageOf(cause).trim();
  }
}

/**
 * Adds a method to the client for each script. It sends the text of the script (`EVAL`) once per connection, then only the hash (`EVALSHA`).
 *
 * ioredis' own `defineCommand` is not used: when Redis does not know a script, it sends the script again behind later commands, and a `WAIT`
 * among these would count a commit that Redis has not executed. Here the call fails with `NOSCRIPT`, and `#send` repeats it.
 */
function defineScripts(client: Client): void {
  const known = new Set<string>();
  for (const [name, { lua, numberOfKeys }] of Object.entries(SCRIPTS)) {
    const sha = createHash('sha1').update(lua).digest('hex');
    const run = async (...given: (string | number)[]) => {
      const words = numberOfKeys === undefined ? given : [numberOfKeys, ...given];
      if (!known.has(name)) {
        known.add(name);
        return client.call('EVAL', lua, ...words);
      }
      return client.call('EVALSHA', sha, ...words).catch((error) => {
        known.delete(name);
        throw error;
      });
    };
    Object.assign(client, { [name]: run });
  }
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** The error for a command that prepares the connection: `store-denied` when the refusal stays, else the error itself. */
function refusedAtFirst(commands: string, error: unknown): unknown {
  const why = messageOf(error).trim();
  const refusal = isReply(error) ? refusalOf(why) : undefined;
  return refusal?.effect === 'never' ? denied({ commands, keys: [] }, why, refusal) : error;
}

function denied({ commands, keys }: CommandInfo, why: string, { cure = '' }: Refusal): WarrenError {
  const what = [commands, keys.map((key) => `"${key}"`).join(' and ')].filter(Boolean).join(' on ');
  return new WarrenError('store-denied', `Redis refuses ${what}: ${why.replace(/\.$/, '')}. ${cure}`);
}

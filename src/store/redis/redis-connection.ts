/**
 * One connection to Redis, and what its errors mean. On the owner thread.
 *
 * Reconnecting is not left to the client library: a command without an answer may still be on its
 * way, so the connection is dropped, and nothing is sent again. Login is not left to the library either. It would send several commands at once, and a write to a
 * connection that Redis has closed discards the error with which Redis closed it. Here each command is sent after the answer to the one before, so
 * that error is read and belongs to a command.
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { messageOf, WarrenError } from '../../errors.js';
import type { CommitOutcome } from '../contract.js';
import { Elsewhere } from './elsewhere.js';
import { BEAT_NODE, LEAVE_NODE, LIST_NODES } from './node-scripts.js';
import type { RedisAddress } from './redis-url.js';
import { type Refusal, refusalOf } from './refusals.js';
import { ReplicaAcks } from './replica-acks.js';
import { COMMIT_GROUP, LOAD_ACTORS, READ_ACTORS, READ_THESE } from './scripts.js';

/** Field and text of each, in turn. */
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

/** What is asked of Redis, for the sentence that tells of its refusal. */
export interface Request {
  /** With the commands that a script calls. */
  readonly commands: string;
  readonly keys: readonly string[];
}

export interface ConnectionOptions {
  /** Bound on connecting and on every command, in milliseconds. */
  readonly timeoutMs: number;
  /** What is asked after the login; a server that refuses it is not served from. */
  readonly greeting?: readonly (readonly [string, ...string[]])[];
  /** So many replicas must have a commit before it counts. */
  readonly replicas?: number;
}

const UNKNOWN_SCRIPT = 'NOSCRIPT';

interface Script {
  readonly lua: string;
  /** Where it is always the same. */
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

/** A Redis that has no password takes any, as it does for a user who is named. */
const NO_PASSWORD_NEEDED = /no password is set|without any password configured/;

export class RedisConnection {
  readonly #client: Client;
  readonly address: RedisAddress;
  readonly #options: ConnectionOptions;
  readonly #acks: ReplicaAcks;
  /** Why the connection broke, such as an untrusted certificate. The library only says that it is closed. */
  #breach: Error | undefined;
  #opening: Promise<void> | undefined;
  #gathering = false;
  #unsettled = 0;
  #left = false;
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
      // Nothing more is wanted of a connection that was dropped.
      disconnectTimeout: Math.min(timeoutMs, 100),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      reconnectOnError: () => false,
      // No HELLO, no CLIENT and no INFO: `#open` sends what there is to send, and a user needs no right to them.
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
    }) as Client;
    defineScripts(this.#client);
    // Without a listener the client prints it.
    this.#client.on('error', (error: Error) => {
      this.#breach ??= error;
    });
    this.#acks = new ReplicaAcks(this.#client, replicas, timeoutMs);
  }

  /** It carries no further command. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Connects and logs in. Nothing has been asked of the store yet. @throws WarrenError `store-refused`, `store-denied`. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /**
   * Opens the connection first when it is new.
   *
   * @throws WarrenError `store-refused`, `store-denied`: nothing has happened; `store-unreachable`: it may have happened, or may
   * still happen.
   * @throws Elsewhere another server has the keys, and nothing has happened.
   */
  async ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    try {
      await this.open();
      return await this.#send(request, send);
    } finally {
      this.#unsettled -= 1;
      if (this.#left) this.leave();
    }
  }

  async #send<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#gather();
    try {
      return await send(this.#client).catch((error) => {
        if (isReply(error) && error.message.startsWith(UNKNOWN_SCRIPT)) return send(this.#client);
        throw error;
      });
    } catch (cause) {
      const why = this.#whyOf(cause);
      const refusal = isReply(cause) ? refusalOf(why) : undefined;
      if (refusal?.effect === 'elsewhere') throw new Elsewhere(why, denied(request, why, refusal).message);
      if (refusal?.effect !== 'passes') this.drop();
      if (refusal?.effect === 'never') throw denied(request, why, refusal);
      throw new WarrenError(refusal ? 'store-refused' : 'store-unreachable', `Redis: ${why}`, { cause });
    }
  }

  /**
   * A commit counts when as many replicas as are wanted have it. Too few are an unknown outcome: the master has it, and may be lost with it.
   *
   * @throws as `ask`.
   */
  async commit(request: Request, send: (client: Client) => Promise<CommitOutcome>): Promise<CommitOutcome> {
    const { replicas: wanted = 0 } = this.#options;
    if (wanted === 0) return this.ask(request, send);
    const { outcome, replicas } = await this.ask(request, (client) => this.#acks.commit(() => send(client)));
    if (outcome !== 'swapped' || replicas >= wanted) return outcome;
    throw new WarrenError(
      'store-unreachable',
      `Redis: ${replicas} of ${wanted} replicas have acknowledged the commit, so it may be lost with the master`,
    );
  }

  /** Nothing more is asked on it: it is closed when what was asked is answered. */
  leave(): void {
    this.#left = true;
    if (this.#unsettled === 0) this.drop();
  }

  drop(): void {
    // All that was asked fails with it, and each of them comes here.
    if (this.#dropped) return;
    this.#dropped = true;
    this.#client.disconnect();
  }

  /** What is sent in one turn of the event loop, such as the commits of several shards, leaves with one write. */
  #gather(): void {
    const { stream } = this.#client;
    if (this.#gathering) return;
    this.#gathering = true;
    stream.cork();
    process.nextTick(() => {
      this.#gathering = false;
      stream.uncork();
    });
  }

  /** Nothing has been asked of the store yet, so whatever fails here has had no effect. */
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
    // Without the right to it, or on a replica, it must not be the first commit that finds out.
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
    // What the other side has said in a TLS alert; the whole message is for those who debug OpenSSL.
    if (cause instanceof Error && 'reason' in cause) return `TLS: ${cause.reason}`;
    return messageOf(cause).trim();
  }
}

/**
 * The library would send a script that Redis does not know again by itself, behind what was sent since: a `WAIT` would then count a commit that was not
 * carried out. Here each connection sends the text of a script first, and a Redis that has forgotten it says so (`NOSCRIPT`).
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

/** Of a command that prepares the connection. */
function refusedAtFirst(commands: string, error: unknown): unknown {
  const why = messageOf(error).trim();
  const refusal = isReply(error) ? refusalOf(why) : undefined;
  return refusal?.effect === 'never' ? denied({ commands, keys: [] }, why, refusal) : error;
}

function denied({ commands, keys }: Request, why: string, { cure = '' }: Refusal): WarrenError {
  const what = [commands, keys.map((key) => `"${key}"`).join(' and ')].filter(Boolean).join(' on ');
  return new WarrenError('store-denied', `Redis refuses ${what}: ${why.replace(/\.$/, '')}. ${cure}`);
}

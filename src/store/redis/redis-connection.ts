/**
 * One connection to Redis, and what its errors mean. On the owner thread.
 *
 * Reconnecting is not left to the client library: an answer that did not come means that the command may still be
 * on its way, so the connection is dropped, and nothing is sent again. Nor is the login: what the library sends by itself it sends at
 * once, and a write to a connection that Redis has closed destroys the words with which Redis had closed it. Here each command
 * is sent when the one before is answered, so those words are read, and an error has a command that it belongs to.
 */
import { Redis } from 'ioredis';
import { messageOf, WarrenError } from '../../errors.js';
import type { CommitOutcome } from '../contract.js';
import type { RedisAddress } from './redis-url.js';
import { type Refusal, refusalOf } from './refusals.js';
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
};

/** What is asked of Redis, for the sentence that tells of its refusal. */
export interface Request {
  /** With the commands that a script calls. */
  readonly commands: string;
  readonly keys: readonly string[];
}

/** A Redis that has no password takes any, as it does for a user who is named. */
const NO_PASSWORD_NEEDED = /no password is set|without any password configured/;

export class RedisConnection {
  readonly #client: Client;
  readonly #address: RedisAddress;
  /** What the connection broke of, such as a certificate that nobody vouches for. The client then only says that it is closed. */
  #breach: Error | undefined;
  #opening: Promise<void> | undefined;
  #dropped = false;

  /** @param timeoutMs bound on connecting and on every command, in milliseconds. */
  constructor(address: RedisAddress, timeoutMs: number) {
    this.#address = address;
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
      scripts: {
        commitGroup: COMMIT_GROUP,
        loadActors: LOAD_ACTORS,
        readActors: READ_ACTORS,
        readThese: READ_THESE,
      },
    }) as Client;
    // Without a listener the client prints it.
    this.#client.on('error', (error: Error) => {
      this.#breach ??= error;
    });
  }

  /** It carries no further command. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /**
   * Opens the connection first when it is new.
   *
   * @throws WarrenError `store-refused`, `store-denied`: nothing has happened; `store-unreachable`: it may have happened, or may
   * still happen.
   */
  async ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#opening ??= this.#open();
    await this.#opening;
    try {
      return await send(this.#client);
    } catch (cause) {
      const why = this.#whyOf(cause);
      const refusal = isReply(cause) ? refusalOf(why) : undefined;
      if (refusal?.effect !== 'passes') this.drop();
      if (refusal?.effect === 'never') throw denied(request, why, refusal);
      throw new WarrenError(refusal ? 'store-refused' : 'store-unreachable', `Redis: ${why}`, { cause });
    }
  }

  drop(): void {
    this.#dropped = true;
    this.#client.disconnect();
  }

  /** Nothing has been asked of the store yet, so whatever fails here has had no effect. */
  async #open(): Promise<void> {
    try {
      await this.#client.connect();
      await this.#logIn();
      await this.#select();
    } catch (error) {
      this.drop();
      if (error instanceof WarrenError) throw error;
      // Without the cause: a refused login carries the command, and with it the password.
      throw new WarrenError('store-refused', `Redis cannot be reached: ${this.#whyOf(error)}`);
    }
  }

  async #logIn(): Promise<void> {
    const { username, password } = this.#address;
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
    const { database } = this.#address;
    if (database === 0) return;
    try {
      await this.#client.call('SELECT', database);
    } catch (error) {
      throw refusedAtFirst(`SELECT of the database ${database}`, error);
    }
  }

  #whyOf(error: unknown): string {
    const cause = isReply(error) ? error : (this.#breach ?? error);
    // What the other side has said in a TLS alert; the whole message is for those who debug OpenSSL.
    if (cause instanceof Error && 'reason' in cause) return `TLS: ${cause.reason}`;
    return messageOf(cause).trim();
  }
}

function isReply(error: unknown): boolean {
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

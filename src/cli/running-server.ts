/** Asks a running server through its admin address (ADMIN_HOST_PORT). A server that serves another store than the environment names is not asked. */
import type { Config } from '../config/config.js';
import { messageOf } from '../errors.js';
import { identityOf } from '../store/store-place.js';
import { CommandFailed } from './usage.js';

/** An answer that is not given by then is none, in milliseconds. An export is read for as long as it takes. */
const PATIENCE_MS = 120_000;

export interface Answer {
  readonly status: number;
  /** The body, parsed as JSON. */
  readonly body: Record<string, unknown>;
}

type Query = Readonly<Record<string, string | undefined>>;

export class RunningServer {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** @returns undefined when no server is found. @throws CommandFailed when the server at a given address serves another store. */
  static async find(config: Config): Promise<RunningServer | undefined> {
    const { admin, store } = config;
    // With port 0 the system has chosen the server's port, and this command does not know it.
    if (!admin || admin.port === 0) return undefined;
    const server = new RunningServer(`http://${reachable(admin.host)}:${admin.port}`, admin.token);
    let answer: Answer;
    try {
      answer = await server.ask('GET', '/store');
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw new CommandFailed(`The server at ${server.#url} does not answer: ${messageOf(error)}`);
    }
    const found = answer.body['store'];
    if (found === identityOf(store)) return server;
    // The address is the default one, so another program may have it.
    if (admin.optional) return undefined;
    if (answer.status === 401) {
      throw new CommandFailed(
        `The server at ${server.#url} asks for its token: set ADMIN_TOKEN as for the server.`,
      );
    }
    const what = typeof found === 'string' ? `serves ${found}` : 'is none of this version of Warren';
    throw new CommandFailed(
      `The server at ADMIN_HOST_PORT ${what}, and the environment names ${identityOf(store)}. Nothing was done.`,
    );
  }

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#headers = token === '' ? {} : { Authorization: `Bearer ${token}` };
  }

  /** @throws CommandFailed for an answer of 400 or more, unless the caller expects its status. */
  async get(path: string, query: Query = {}, expected: readonly number[] = []): Promise<Answer> {
    return checked(await this.ask('GET', path, query), expected);
  }

  async ask(method: string, path: string, query: Query = {}, body?: string): Promise<Answer> {
    const response = await fetch(this.#address(path, query), {
      method,
      headers: this.#headers,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const response = await fetch(this.#address(path, {}), { headers: this.#headers });
    if (!response.ok || !response.body) {
      checked({ status: response.status, body: parsed(await response.text()) }, []);
    }
    try {
      yield* response.body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw new CommandFailed(`The server has broken the export off: ${messageOf(error)}`);
    }
  }

  #address(path: string, query: Query): URL {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }
}

export function checked(answer: Answer, expected: readonly number[]): Answer {
  const { status, body } = answer;
  if (status < 400 || expected.includes(status)) return answer;
  const detail = body['detail'] ? `: ${body['detail']}` : '';
  throw new CommandFailed(`The server says ${status}: ${body['title'] ?? 'no more'}${detail}`);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function reachable(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function isRefusal(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string; errors?: { code?: string }[] } };
  const codes = [cause?.code, ...(cause?.errors ?? []).map(({ code }) => code)];
  return codes.includes('ECONNREFUSED');
}

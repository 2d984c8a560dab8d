/**
 * Sends HTTP requests over kept-alive connections, one promise for each. No request is sent twice, so a failure says whether the server may have executed it:
 * `maybeExecuted` is false only when there was no connection.
 */
import { Agent, type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';

const DEFAULT_TIMEOUT_MS = 10_000;
const sharedAgents = { http: new Agent({ keepAlive: true }), https: new SecureAgent({ keepAlive: true }) };

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface GetOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly agent?: Agent;
  /** For the whole exchange, to the last byte of the answer. */
  readonly timeoutMs?: number;
}

export class RequestFailed extends Error {
  readonly code: string;
  readonly maybeExecuted: boolean;

  constructor(code: string, maybeExecuted: boolean, cause?: unknown) {
    super(`no complete answer: ${code}`, { cause });
    this.name = 'RequestFailed';
    this.code = code;
    this.maybeExecuted = maybeExecuted;
  }
}

/** An agent with connections of its own, which the caller can end; it fits the scheme of the URL. */
export function createAgent(url: string): Agent {
  return isSecure(url) ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
}

/**
 * Rejects with RequestFailed. Any status is an answer.
 *
 * @param url scheme, host and port, and a path when the server stands behind one.
 */
export function get(url: string, path: string, options: GetOptions = {}): Promise<HttpAnswer> {
  const { method = 'GET', body, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  };
  const { agent = isSecure(url) ? sharedAgents.https : sharedAgents.http } = options;
  return new Promise((resolve, reject) => {
    const { hostname, port, pathname } = new URL(url);
    const request = isSecure(url) ? requestSecure : requestPlain;
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const whole = pathname.replace(/\/$/, '') + path;
    const sent = request({ hostname: host, port, path: whole, method, headers, agent });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new RequestFailed(error.code ?? 'UNKNOWN', !isBeforeConnection(error), error));
    };
    const timer = setTimeout(() => {
      sent.destroy(Object.assign(new Error(`no answer in ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    sent.on('error', fail);
    sent.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', fail);
      answer.on('end', () => {
        clearTimeout(timer);
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      });
    });
    sent.end(body);
  });
}

function isBeforeConnection(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'connect' || error.syscall === 'getaddrinfo';
}

function isSecure(url: string): boolean {
  return new URL(url).protocol === 'https:';
}

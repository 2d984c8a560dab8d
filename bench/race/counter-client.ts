/**
 * Asks a counter to add one, over and over, on so many connections, and keeps every number that it was answered. It never sends a
 * request twice: a number that is missing later is lost, and one that comes twice was given twice.
 */
import { Agent, request } from 'node:http';

const ANSWER_MS = 10_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** @throws Error when there is no whole answer. */
export function add(port: number, agent: Agent, key = 'k0'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = '{"by":1}';
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const path = `/counter/${key}/add`;
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.once('error', reject);
      response.once('close', () => reject(new Error('the answer broke off')));
    });
    asked.setTimeout(ANSWER_MS, () => asked.destroy(new Error(`no answer for ${ANSWER_MS} ms`)));
    asked.once('error', reject);
    asked.end(body);
  });
}

/** The number of a good answer, else undefined. */
export function numberOf({ status, body }: Answer): number | undefined {
  return status === 200 && /^\d+$/.test(body) ? Number(body) : undefined;
}

export class CounterClient {
  readonly #port: number;
  readonly #agent: Agent;
  readonly #answered: (n: number) => void;
  readonly #lines: Promise<void>[] = [];

  constructor(port: number, connections: number, answered: (n: number) => void) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#answered = answered;
    for (let at = 0; at < connections; at++) this.#lines.push(this.#line());
  }

  /** Resolves when each connection has broken, as it does when the server is killed. */
  async ended(): Promise<void> {
    await Promise.all(this.#lines);
    this.#agent.destroy();
  }

  async #line(): Promise<void> {
    for (;;) {
      try {
        const n = numberOf(await add(this.#port, this.#agent));
        if (n !== undefined) this.#answered(n);
      } catch {
        return;
      }
    }
  }
}

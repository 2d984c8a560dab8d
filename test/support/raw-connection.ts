/**
 * One TCP connection that speaks bytes and reads HTTP answers by their Content-Length, in the order in which they
 * come. For what an HTTP client would hide: the exact bytes, what a connection is still good for afterwards, and how
 * it ends.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Scope } from './child-handle.js';

/** Against tests that hang. */
const ANSWER_MS = 60_000;

export interface RawAnswer {
  /** `HTTP/1.1 200 OK` */
  readonly statusLine: string;
  /** As they came, in their order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export class RawConnection {
  readonly socket: Socket;
  /** Resolves when the peer has ended its side, or the connection is gone. */
  readonly ended: Promise<void>;
  #received = Buffer.alloc(0);
  #over = false;

  static async open(scope: Scope, port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    scope.teardown(async () => void socket.destroy());
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    // A reset is an end like any other; whoever waits for an answer is told of it.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      socket.emit('progress');
    });
    this.ended = new Promise((resolve) => {
      const over = () => {
        this.#over = true;
        socket.emit('progress');
        resolve();
      };
      socket.on('end', over).on('close', over);
    });
  }

  /** The peer has ended its side. */
  get over(): boolean {
    return this.#over;
  }

  /** What came and is not yet taken as an answer. */
  get rest(): string {
    return this.#received.toString('latin1');
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next answer; undefined when the connection ended before a whole one. `HEAD` has a length and no body. */
  async answer(method: 'HEAD' | 'other' = 'other'): Promise<RawAnswer | undefined> {
    const giveUp = AbortSignal.timeout(ANSWER_MS);
    for (;;) {
      const answer = this.#take(method);
      if (answer !== undefined || this.#over) return answer;
      await once(this.socket, 'progress', { signal: giveUp });
    }
  }

  #take(method: 'HEAD' | 'other'): RawAnswer | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n');
    const headers = lines.map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    });
    const length = headers.find(([name]) => name === 'Content-Length')?.[1] ?? '0';
    const end = headEnd + 4 + (method === 'HEAD' ? 0 : Number(length));
    if (this.#received.length < end) return undefined;
    const body = this.#received.toString('latin1', headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    return { statusLine, headers, body };
  }
}

/** A request without a body. */
export function requestBytes(method: string, path: string, ...headers: string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`;
}

/**
 * An open-loop load from a process of its own: requests are due at a fixed rate, whether or not earlier ones are answered. Raw
 * sockets, since a full HTTP client takes several times the processor time of the server. A server that answers one
 * request per connection at a time limits what can be under way to the number of connections: what is due while none is
 * free is counted as not sent. Run by itself with its options as an argument, this file is that process.
 */
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ChildHandle, type Scope } from '../support/child-handle.js';

const FILE = fileURLToPath(import.meta.url);
const TICK_MS = 5;
const NEXT = Buffer.from('POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
const CURRENT = Buffer.from('GET /current HTTP/1.1\r\nHost: a\r\n\r\n');
/** Mostly reads, so that the numbers and with them the bodies stay short. */
const NEXT_EVERY = 8;

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly durationMs: number;
}

export interface Latencies {
  readonly count: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly notSent: number;
  readonly byStatus: Readonly<Record<string, Latencies>>;
  /** Every `Retry-After` that came, in seconds. */
  readonly retryAfter: readonly string[];
  /** Connections that the server ended. */
  readonly lost: number;
}

export async function openLoop(scope: Scope, options: LoadOptions): Promise<LoadResult> {
  const args = [FILE, JSON.stringify(options)];
  const child = await ChildHandle.spawn({ command: process.execPath, args, env: {} });
  scope.teardown(async () => void (await child.end()));
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`the load ended with code ${code}:\n${child.output}`);
  return JSON.parse(child.output) as LoadResult;
}

class Connection {
  readonly socket: Socket;
  sentAt = 0;
  answer = '';

  constructor(socket: Socket) {
    this.socket = socket;
  }
}

class Load {
  readonly #options: LoadOptions;
  readonly #free: Connection[] = [];
  readonly #latencies = new Map<string, number[]>();
  readonly #retryAfter = new Set<string>();
  #sent = 0;
  #notSent = 0;
  #lost = 0;
  #over = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  async run(): Promise<LoadResult> {
    const { connections, perSecond, durationMs, port } = this.#options;
    for (let n = 0; n < connections; n += 100) {
      await Promise.all(Array.from({ length: 100 }, () => this.#connect(port)));
    }
    const startedAt = performance.now();
    await new Promise<void>((done) => {
      const timer = setInterval(() => {
        const elapsedMs = performance.now() - startedAt;
        this.#send(Math.floor((perSecond * Math.min(elapsedMs, durationMs)) / 1_000));
        if (elapsedMs < durationMs) return;
        clearInterval(timer);
        done();
      }, TICK_MS);
    });
    this.#over = true;
    return {
      sent: this.#sent,
      notSent: this.#notSent,
      byStatus: Object.fromEntries([...this.#latencies].map(([status, times]) => [status, summary(times)])),
      retryAfter: [...this.#retryAfter],
      lost: this.#lost,
    };
  }

  #connect(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const connection = new Connection(socket.setNoDelay());
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => this.#receive(connection, chunk));
      socket.on('connect', () => {
        this.#free.push(connection);
        resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => {
        if (!this.#over) this.#lost += 1;
      });
    });
  }

  #send(due: number): void {
    const sentAt = performance.now();
    while (this.#sent + this.#notSent < due) {
      const connection = this.#free.pop();
      if (!connection) {
        this.#notSent = due - this.#sent;
        return;
      }
      connection.sentAt = sentAt;
      connection.socket.write(this.#sent++ % NEXT_EVERY === 0 ? NEXT : CURRENT);
    }
  }

  #receive(connection: Connection, chunk: string): void {
    connection.answer += chunk;
    const { answer } = connection;
    const head = answer.indexOf('\r\n\r\n');
    const length = /content-length: (\d+)/i.exec(answer)?.[1];
    if (head < 0 || length === undefined || answer.length < head + 4 + Number(length)) return;
    const status = answer.slice(9, 12);
    const times = this.#latencies.get(status) ?? [];
    times.push(performance.now() - connection.sentAt);
    this.#latencies.set(status, times);
    const retryAfter = /retry-after: (.*)\r/i.exec(answer)?.[1];
    if (retryAfter !== undefined) this.#retryAfter.add(retryAfter);
    connection.answer = '';
    this.#free.push(connection);
  }
}

function summary(times: number[]): Latencies {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] as number);
  return { count: sorted.length, median: at(0.5), p99: at(0.99), max: at(1) };
}

if (process.argv[1] === FILE) {
  const result = await new Load(JSON.parse(process.argv[2] as string) as LoadOptions).run();
  // By exit and not by an orderly end: closing thousands of sockets is not part of the load.
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

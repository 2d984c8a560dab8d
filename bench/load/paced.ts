/**
 * Open-loop load: requests fall due at a fixed rate, whether or not the server has answered the ones before. A
 * request's latency counts from when it fell due, so the time that it waits for a free connection behind a slow answer
 * is part of it; a closed loop would leave exactly those requests out (coordinated omission, as Gil Tene named it).
 *
 * autocannon's rates do not serve here: each of its connections sends a second's worth of requests at once and then
 * pauses, and its correction takes the interval between them for one millisecond.
 *
 * The generator wakes about every millisecond, and finds a request due as late as that. The schedule knows nothing of it,
 * so this is part of the latency, for every server alike: it draws ratios towards one. `lateness` tells how much it is.
 */
import { connect, type Socket } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from './closed-loop.js';

export interface PacedSpec {
  readonly port: number;
  readonly path: string;
  /** Requests a second. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface PacedResult extends LoadResult {
  /** 99th percentile of how late the generator itself was, in milliseconds. */
  readonly lateness: number;
  readonly unanswered: number;
}

const NS_PER_MS = 1e6;
const CONNECT_MS = 5000;
/** How long the last answers may take. */
const DRAIN_MS = 5000;
const HEAD_END = '\r\n\r\n';

export async function paced(spec: PacedSpec): Promise<PacedResult> {
  const load = new PacedLoad(spec);
  try {
    return await load.run();
  } finally {
    load.close();
  }
}

class PacedLoad {
  readonly #spec: PacedSpec;
  readonly #latency = createHistogram();
  readonly #lateness = createHistogram();
  readonly #lines: Line[] = [];
  readonly #free: Line[] = [];
  /** When the requests that wait for a connection fell due, by the schedule. */
  readonly #due: number[] = [];
  #dueTaken = 0;
  #answered = 0;
  #errors = 0;

  constructor(spec: PacedSpec) {
    this.#spec = spec;
  }

  async run(): Promise<PacedResult> {
    const { connections, port, path, rate, seconds } = this.#spec;
    for (let i = 0; i < connections; i++) {
      this.#lines.push(new Line(port, path, (line, ok, since) => this.#ended(line, ok, since)));
    }
    await Promise.all(this.#lines.map((line) => line.connected));
    this.#free.push(...this.#lines);
    const begin = performance.now();
    const total = Math.round(rate * seconds);
    for (let found = 0; found < total; ) {
      const now = performance.now();
      for (; found < total && begin + (found * 1000) / rate <= now; found++) {
        const due = begin + (found * 1000) / rate;
        record(this.#lateness, now - due);
        this.#due.push(due);
      }
      this.#send();
      if (found < total) await delay(1);
    }
    const sent = performance.now() - begin;
    const giveUpAt = performance.now() + DRAIN_MS;
    while (this.#answered + this.#errors < total && performance.now() < giveUpAt) await delay(5);
    const unanswered = total - this.#answered - this.#errors;
    const percentile = (part: number) => this.#latency.percentile(part) / NS_PER_MS;
    return {
      requests: this.#answered,
      seconds: sent / 1000,
      errors: this.#errors + unanswered,
      unanswered,
      mean: this.#latency.mean / NS_PER_MS,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      p999: percentile(99.9),
      lateness: this.#lateness.percentile(99) / NS_PER_MS,
    };
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  #send(): void {
    while (this.#dueTaken < this.#due.length) {
      const line = this.#free.shift();
      if (!line) return;
      line.send(this.#due[this.#dueTaken++] as number);
    }
  }

  #ended(line: Line, ok: boolean, since: number): void {
    if (ok) {
      this.#answered += 1;
      record(this.#latency, performance.now() - since);
    } else this.#errors += 1;
    if (line.open) this.#free.push(line);
    this.#send();
  }
}

function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)));
}

/** What was asked at `since` was answered, or was not. */
type Ended = (line: Line, ok: boolean, since: number) => void;

/** One connection, with at most one request on its way. */
class Line {
  readonly connected: Promise<void>;
  readonly #socket: Socket;
  readonly #request: string;
  readonly #ended: Ended;
  #since: number | undefined;
  #head = '';
  /** Bytes of the body still to come; undefined while the head is being read. */
  #rest: number | undefined;
  #ok = false;
  open = true;

  constructor(port: number, path: string, ended: Ended) {
    this.#ended = ended;
    this.#request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.connected = new Promise((resolve, reject) => {
      socket.setTimeout(CONNECT_MS, () => reject(new Error(`no connection to port ${port}`)));
      socket.once('connect', () => {
        socket.setTimeout(0);
        resolve();
      });
      socket.once('error', reject);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.open = false;
      this.#end(false);
    });
    socket.on('data', (bytes) => this.#read(bytes));
  }

  send(since: number): void {
    this.#since = since;
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    let length = bytes.length;
    if (this.#rest === undefined) {
      this.#head += bytes.toString('latin1');
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return;
      const declared = /\r\ncontent-length: *(\d+)/i.exec(this.#head.slice(0, end))?.[1];
      if (declared === undefined) {
        this.#socket.destroy(new Error('an answer without Content-Length'));
        return;
      }
      this.#ok = this.#head.startsWith('HTTP/1.1 200');
      this.#rest = Number(declared);
      length = this.#head.length - end - HEAD_END.length;
      this.#head = '';
    }
    this.#rest -= length;
    if (this.#rest > 0) return;
    this.#rest = undefined;
    this.#end(this.#ok);
  }

  #end(ok: boolean): void {
    const since = this.#since;
    if (since === undefined) return;
    this.#since = undefined;
    this.#ended(this, ok, since);
  }
}

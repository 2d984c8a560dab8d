/**
 * A TCP proxy on loopback that misbehaves on command, put between a server and its store or between a client and a
 * server. Faults apply at once, to open connections too. Bytes are never reordered or altered: a fault delays them,
 * loses all that follows, or ends the connection with a reset.
 *
 *     client ──requests──> [ hold / delay / swallow ] ──> target
 *     client <──[ hold / delay / swallow / cut after n ]──answers── target
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Scope } from './child-handle.js';
import { DelayLine } from './delay-line.js';
import { freePort } from './free-port.js';

const LISTEN_TRIES = 5;
/** Past this many waiting chunks in one direction of one connection, no more is read from its sender. */
const MOST_CHUNKS = 1_000;

type Direction = 'requests' | 'answers';
/** What travels one way: bytes, the orderly end of them, or a reset. */
type Transit = Buffer | 'end' | 'reset';

interface Cut {
  bytesLeft: number;
  readonly done: () => void;
}

interface Link {
  readonly client: Socket;
  readonly target: Socket;
  readonly lines: Readonly<Record<Direction, DelayLine<Transit>>>;
  /** Bytes were swallowed: the two ends no longer agree, so the link cannot be mended. */
  broken: boolean;
}

export async function startFaultProxy(scope: Scope, targetPort: number): Promise<FaultProxy> {
  const proxy = new FaultProxy(targetPort);
  scope.teardown(() => proxy.close());
  await proxy.begin();
  return proxy;
}

export class FaultProxy {
  #targetPort: number;
  readonly #links = new Set<Link>();
  readonly #delays = { requests: 0, answers: 0 };
  readonly #held = { requests: false, answers: false };
  #server: Server | null = null;
  #port = 0;
  #blackhole = false;
  #cut: Cut | null = null;
  #swallowedBytes = 0;

  /** Use `startFaultProxy`, which also registers the end. */
  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** By black holes and cuts, of both directions. */
  get swallowedBytes(): number {
    return this.#swallowedBytes;
  }

  /** Chunks, ends and resets that are delayed or held, of both directions. */
  get waiting(): number {
    let waiting = 0;
    for (const { lines } of this.#links) waiting += lines.requests.length + lines.answers.length;
    return waiting;
  }

  async begin(): Promise<void> {
    for (let tries = 1; ; tries++) {
      this.#port = await freePort();
      try {
        return await this.#listen();
      } catch (error) {
        if (tries === LISTEN_TRIES) throw error;
      }
    }
  }

  /** Where new connections lead from now on, as after a fail-over behind one address. Open ones stay where they are. */
  retarget(port: number): void {
    this.#targetPort = port;
  }

  /** Holds every byte back for so long, in one direction; 0 ends it. What is on its way keeps its delay. */
  delay(delayMs: number, direction: Direction = 'answers'): void {
    this.#delays[direction] = delayMs;
  }

  /** While on, every byte of that direction waits here, for however long; after that it goes on, in its order. */
  hold(on: boolean, direction: Direction = 'answers'): void {
    this.#held[direction] = on;
    for (const { lines } of this.#links) lines[direction].hold(on);
  }

  /** Resets every connection, on both sides. New ones are served as before. */
  cutAll(): void {
    for (const link of this.#links) reset(link);
  }

  /**
   * Lets the next `bytes` bytes of answers pass, counted over all connections, then resets the connection that carries
   * the next one, once. Resolves when that has happened. A Node client that finds the last bytes and the reset in one
   * turn of its loop reports a plain end.
   */
  cutAfterBytes(bytes: number): Promise<void> {
    return new Promise((done) => {
      this.#cut = { bytesLeft: bytes, done };
    });
  }

  /** While on, nothing listens on the port: new connections are refused. Open ones are left alone. */
  async refuse(on: boolean): Promise<void> {
    if (!on) {
      if (this.#server === null) await this.#listen();
      return;
    }
    const server = this.#server;
    this.#server = null;
    // `close` has stopped listening when it returns; its callback would wait for the open connections.
    server?.close();
  }

  /**
   * While on, everything is swallowed in both directions, ends of connections too, and new connections are accepted
   * and lead nowhere. Switching it off resets the connections that lost something, as a dead peer would be found out.
   */
  blackhole(on: boolean): void {
    this.#blackhole = on;
    if (on) return;
    for (const link of this.#links) if (link.broken) reset(link);
  }

  async close(): Promise<void> {
    await this.refuse(true);
    this.cutAll();
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  #accept(client: Socket): void {
    const target = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const link: Link = {
      client,
      target,
      lines: {
        requests: this.#carry(() => link, client, target, 'requests'),
        answers: this.#carry(() => link, target, client, 'answers'),
      },
      broken: this.#blackhole,
    };
    this.#links.add(link);
    for (const socket of [client, target]) {
      // What happened is told by `close`.
      socket.on('error', () => {});
      socket.on('close', () => {
        if (client.closed && target.closed) this.#links.delete(link);
      });
    }
  }

  #carry(link: () => Link, from: Socket, to: Socket, direction: Direction): DelayLine<Transit> {
    const line = new DelayLine<Transit>((transit) => {
      this.#pass(link(), to, direction, transit);
      if (line.length < MOST_CHUNKS && !to.writableNeedDrain) from.resume();
    });
    const push = (transit: Transit) => line.push(transit, this.#delays[direction]);
    from.on('data', (chunk: Buffer) => {
      push(chunk);
      if (line.length >= MOST_CHUNKS || to.writableNeedDrain) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => push('end'));
    // An end with an error travels behind the bytes that came before it, as it would on a wire.
    from.on('close', (hadError) => hadError && push('reset'));
    to.on('close', () => line.drop());
    line.hold(this.#held[direction]);
    return line;
  }

  #pass(link: Link, to: Socket, direction: Direction, transit: Transit): void {
    if (this.#blackhole || link.broken) {
      link.broken = true;
      if (transit instanceof Buffer) this.#swallowedBytes += transit.length;
    } else if (transit === 'end') {
      to.end();
    } else if (transit === 'reset') {
      to.resetAndDestroy();
    } else if (direction === 'answers' && this.#cut !== null) {
      this.#passUntilCut(link, to, transit, this.#cut);
    } else {
      to.write(transit);
    }
  }

  #passUntilCut(link: Link, to: Socket, chunk: Buffer, cut: Cut): void {
    if (chunk.length <= cut.bytesLeft) {
      cut.bytesLeft -= chunk.length;
      to.write(chunk);
      return;
    }
    this.#cut = null;
    link.broken = true;
    // The reset must not overtake the bytes that were still to pass.
    to.write(chunk.subarray(0, cut.bytesLeft), () => {
      reset(link);
      cut.done();
    });
  }
}

function reset(link: Link): void {
  link.client.resetAndDestroy();
  link.target.resetAndDestroy();
}

/** HTTP for tests: the program's own client, and raw bytes over TCP for what no HTTP client would send. */
import { connect } from 'node:net';
import { type GetOptions, get as getOnce, type HttpAnswer } from '../../src/verify/http-client.js';

export * from '../../src/verify/http-client.js';

/** Against tests that hang, however slow and busy the machine is. */
const ANSWER_MS = 60_000;

/** The program's own, with more patience. */
export function get(url: string, path: string, options: GetOptions = {}): Promise<HttpAnswer> {
  return getOnce(url, path, { timeoutMs: ANSWER_MS, ...options });
}

/**
 * Sends the bytes as they are and resolves with all that came back until the peer closed, reset, or `withinMs` were
 * over. Rejects only when no connection came about.
 */
export function rawRequest(port: number, bytes: string | Uint8Array, withinMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    let connected = false;
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket.on('connect', () => {
      connected = true;
      socket.write(bytes);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset after the answer is an ordinary end here; what came before it counts.
    socket.on('error', (error) => {
      if (!connected) reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

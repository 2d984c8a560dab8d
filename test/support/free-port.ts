/**
 * Picks a loopback port for a program that cannot be asked to choose one itself, or that must come back on the same
 * one. Ports come from below the range that the kernel hands to outgoing connections: a client that retries against
 * a dead server could otherwise be given the server's own port as its source, and keep the server from returning.
 *
 * The port stays reserved for this process until it ends, so that suites which run at the same time never pick the same one. The
 * reservation is a socket with an abstract name: the kernel lets go of it with the process, however that ends. Only Linux
 * has such names. A program that knows nothing of reservations can still take the port.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';

const LOWEST_PORT = 12_000;
const EPHEMERAL_PORTS_BEGIN = 32_768;
const MAX_TRIES = 200;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomInt(LOWEST_PORT, EPHEMERAL_PORTS_BEGIN);
    const reservation = await reserve(port);
    if (reservation === 'taken') continue;
    if (await canListen(port)) return port;
    reservation?.close();
  }
  throw new Error(`no free port in ${MAX_TRIES} tries`);
}

/** @returns undefined where there are no reservations. */
async function reserve(port: number): Promise<Server | 'taken' | undefined> {
  if (process.platform !== 'linux') return undefined;
  const reservation = await listen({ path: `\0warren-test-port-${port}` });
  return reservation?.unref() ?? 'taken';
}

async function canListen(port: number): Promise<boolean> {
  const probe = await listen({ port, host: '127.0.0.1' });
  if (probe === undefined) return false;
  probe.close();
  await once(probe, 'close');
  return true;
}

async function listen(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(options);
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

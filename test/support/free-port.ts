/**
 * Picks a loopback port for a program that cannot be asked to choose one itself, or that must come back on the same
 * one. Ports come from below the range that the kernel hands to outgoing connections: a client that retries against
 * a dead server could otherwise be given the server's own port as its source, and keep the server from returning.
 * Nothing reserves the port; who uses it must still expect that it is taken.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const LOWEST_PORT = 12_000;
const EPHEMERAL_PORTS_BEGIN = 32_768;
const MAX_TRIES = 50;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomInt(LOWEST_PORT, EPHEMERAL_PORTS_BEGIN);
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port in ${MAX_TRIES} tries`);
}

async function canListen(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

/** How the uWebSockets.js peers begin to listen, and the headers that they share with Warren. */
import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { loadUws, type Uws } from '../../src/http/load-uws.js';
import { announce, type PeerSetup } from './peer-setup.js';

/** From this many bytes on uWebSockets.js sends from a buffer faster than from a string; below, a string is no slower. */
export const LARGE_BYTES = 4096;

export const uws: Uws = await loadUws();

export function listen(app: TemplatedApp, { host, port }: PeerSetup): void {
  app.listen(host, port, (socket) => {
    if (!socket) throw new Error(`cannot listen on ${host}:${port}`);
    announce(uws.us_socket_local_port(socket));
  });
}

/** In one call, as Warren does: with three of them a peer would pay for a habit and not for its design. */
export function writeHead(res: HttpResponse, index: number): HttpResponse {
  return res.writeHeader(
    'Content-Type',
    `application/json\r\nCache-Control: no-store\r\nSequence-Index: ${index}`,
  );
}

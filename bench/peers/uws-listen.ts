/** How the uWebSockets.js peers begin to listen, and the headers that they share with Warren. */
import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { loadUws, type Uws } from '../../src/http/load-uws.js';
import { announce, type PeerSetup } from './peer-setup.js';

export const uws: Uws = await loadUws();

export function listen(app: TemplatedApp, { host, port }: PeerSetup): void {
  app.listen(host, port, (socket) => {
    if (!socket) throw new Error(`cannot listen on ${host}:${port}`);
    announce(uws.us_socket_local_port(socket));
  });
}

export function writeHead(res: HttpResponse, index: number): HttpResponse {
  return res
    .writeHeader('Content-Type', 'application/json')
    .writeHeader('Cache-Control', 'no-store')
    .writeHeader('Sequence-Index', `${index}`);
}

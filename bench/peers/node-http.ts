/** Node's own HTTP server with the sequence in the same thread. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BigSequence, MEMBERS } from './big-sequence.js';
import { announce, peerSetup } from './peer-setup.js';

const { host, port, initialIndex } = peerSetup();
const sequence = new BigSequence(initialIndex);
const members = new Map(MEMBERS.map((member) => [`/${member}`, member]));

const server = createServer((request, response) => {
  const member = members.get(request.url ?? '');
  if (!member) {
    response.writeHead(404).end();
    return;
  }
  const { index, body } = sequence.answer(member);
  response
    .writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Sequence-Index': index,
      'Content-Length': body.length,
    })
    .end(body);
});
server.listen(port, host, () => announce((server.address() as AddressInfo).port));

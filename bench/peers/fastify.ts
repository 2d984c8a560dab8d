/** Fastify, as its guide advises for speed (no logger), with the sequence in the same thread. */
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { BigSequence, MEMBERS } from './big-sequence.js';
import { announce, peerSetup } from './peer-setup.js';

const { host, port, initialIndex } = peerSetup();
const sequence = new BigSequence(initialIndex);
const app = fastify();
for (const member of MEMBERS) {
  app.get(`/${member}`, (_request, reply) => {
    const { index, body } = sequence.answer(member);
    reply
      .header('Content-Type', 'application/json')
      .header('Cache-Control', 'no-store')
      .header('Sequence-Index', index)
      .send(body);
  });
}
await app.listen({ host, port });
announce((app.server.address() as AddressInfo).port);

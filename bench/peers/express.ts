/** Express, as its guide advises for speed (production, without ETag and X-Powered-By), with the sequence in the same thread. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { BigSequence, MEMBERS } from './big-sequence.js';
import { announce, peerSetup } from './peer-setup.js';

const { host, port, initialIndex } = peerSetup();
const sequence = new BigSequence(initialIndex);
const app = express();
app.disable('etag');
app.disable('x-powered-by');
for (const member of MEMBERS) {
  app.get(`/${member}`, (_request, response) => {
    const { index, body } = sequence.answer(member);
    response
      .set('Content-Type', 'application/json')
      .set('Cache-Control', 'no-store')
      .set('Sequence-Index', `${index}`)
      .send(body);
  });
}
const server = app.listen(port, host, () => announce((server.address() as AddressInfo).port));

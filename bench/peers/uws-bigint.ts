/** uWebSockets.js with the sequence in the same thread. */
import { BigSequence, MEMBERS } from './big-sequence.js';
import { peerSetup } from './peer-setup.js';
import { listen, uws, writeHead } from './uws-listen.js';

const setup = peerSetup();
const sequence = new BigSequence(setup.initialIndex);
const app = uws.App();
for (const member of MEMBERS) {
  app.get(`/${member}`, (res) => {
    const { index, body } = sequence.answer(member);
    writeHead(res, index).end(body);
  });
}
listen(app, setup);

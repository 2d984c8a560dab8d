/** The baseline of scenario (j): uWebSockets.js alone. It reads the body, adds, and answers; nothing is stored, and no key is looked at. */
import { peerSetup } from './peer-setup.js';
import { listen, uws } from './uws-listen.js';

const app = uws.App();
let n = 0;
app.post('/counter/:key/add', (res) => {
  res.onAborted(() => {});
  res.onData((chunk, last) => {
    if (!last) return;
    n += JSON.parse(Buffer.from(chunk).toString()).by;
    res.writeHeader('Content-Type', 'application/json\r\nCache-Control: no-store');
    res.end(`${n}`);
  });
});
listen(app, peerSetup());

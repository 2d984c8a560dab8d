/** uWebSockets.js as all programs of the race use it: one route, the same headers in one call, and one answer at a time or many at once. */
import { createRequire } from 'node:module';
import { announce } from './announce.mjs';

const uws = createRequire(import.meta.url)('uWebSockets.js');
const gone = new WeakSet();

/** @param add is given the response, the key and the amount; it answers with `answer`, now or later. */
export function serve(add) {
  const app = uws.App();
  app.post('/counter/:key/add', (res, req) => {
    res.onAborted(() => gone.add(res));
    const key = req.getParameter(0);
    res.onData((chunk, last) => {
      if (last) add(res, key, JSON.parse(Buffer.from(chunk).toString()).by);
    });
  });
  app.listen('127.0.0.1', 0, (socket) => announce(uws.us_socket_local_port(socket)));
}

export function answer(res, n) {
  if (gone.has(res)) return;
  res.cork(() => {
    res.writeHeader('Content-Type', 'application/json\r\nCache-Control: no-store');
    res.end(`${n}`);
  });
}

/** What was asked is not stored, or nobody knows: the connection says so by its end. */
export function fail(res, error) {
  console.error(error);
  if (!gone.has(res)) res.close();
}

/**
 * What somebody writes by hand instead of an actor. One thread keeps counters in a map. While one synced LevelDB batch is written, the next
 * one gathers. It has no limits, handles no faults, keeps every key in memory, and reads nothing back.
 */

import type { HttpResponse } from 'uWebSockets.js';
import { ClassicLevel } from 'classic-level';
import { peerSetup } from './peer-setup.js';
import { listen, uws } from './uws-listen.js';

const level = new ClassicLevel(process.env['DATA_DIR'] ?? '');
await level.open();
const counters = new Map<string, number>();
const gone = new WeakSet<HttpResponse>();
let changed = new Set<string>();
let waiting: [HttpResponse, number][] = [];
let busy = false;
let due = false;

async function flush(): Promise<void> {
  due = false;
  if (busy || waiting.length === 0) return;
  busy = true;
  const [replies, keys] = [waiting, changed];
  waiting = [];
  changed = new Set();
  const batch = level.batch();
  for (const key of keys) batch.put(key, `${counters.get(key)}`);
  await batch.write({ sync: true });
  for (const [res, n] of replies) {
    if (gone.has(res)) continue;
    res.cork(() => {
      res.writeHeader('Content-Type', 'application/json\r\nCache-Control: no-store');
      res.end(`${n}`);
    });
  }
  busy = false;
  void flush();
}

const app = uws.App();
app.post('/counter/:key/add', (res, req) => {
  res.onAborted(() => gone.add(res));
  const key = req.getParameter(0) ?? '';
  res.onData((chunk, last) => {
    if (!last) return;
    const n = (counters.get(key) ?? 0) + JSON.parse(Buffer.from(chunk).toString()).by;
    counters.set(key, n);
    changed.add(key);
    waiting.push([res, n]);
    if (due) return;
    due = true;
    setImmediate(flush);
  });
});
listen(app, peerSetup());

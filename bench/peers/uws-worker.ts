/**
 * The naive actor: uWebSockets.js with the sequence in a worker thread, and one `postMessage` each way per request.
 * The same file is both threads.
 */

import type { HttpResponse } from 'uWebSockets.js';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Answer, BigSequence, MEMBERS, type Member } from './big-sequence.js';
import { type PeerSetup, peerSetup } from './peer-setup.js';

interface Ask {
  readonly id: number;
  readonly member: Member;
}

interface Reply extends Answer {
  readonly id: number;
}

async function serve(): Promise<void> {
  const { listen, uws, writeHead } = await import('./uws-listen.js');
  const setup = peerSetup();
  const worker = new Worker(new URL(import.meta.url), { workerData: setup });
  const waiting = new Map<number, HttpResponse>();
  let asked = 0;
  worker.on('message', ({ id, index, body }: Reply) => {
    const res = waiting.get(id);
    if (!waiting.delete(id)) return;
    res?.cork(() => writeHead(res, index).end(body));
  });
  const app = uws.App();
  for (const member of MEMBERS) {
    app.get(`/${member}`, (res) => {
      const id = asked++;
      waiting.set(id, res);
      res.onAborted(() => waiting.delete(id));
      worker.postMessage({ id, member } satisfies Ask);
    });
  }
  listen(app, setup);
}

function own(): void {
  const sequence = new BigSequence((workerData as PeerSetup).initialIndex);
  parentPort?.on('message', ({ id, member }: Ask) => {
    parentPort?.postMessage({ id, ...sequence.answer(member) } satisfies Reply);
  });
}

if (isMainThread) await serve();
else own();

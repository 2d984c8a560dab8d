/**
 * What a `Reply` costs the main thread beside a bare `res.end` of the same bytes: CPU time of this process per
 * request, on real connections, with the terms already rendered and no owner behind. The load comes from another
 * process.
 */

import type { HttpResponse } from 'uWebSockets.js';
import { PageMemory } from '../../src/format/page-memory.js';
import { Pages } from '../../src/format/pages.js';
import { render } from '../../src/format/render.js';
import { Reply, type ReplyContext } from '../../src/http/reply.js';
import { RequestCounts } from '../../src/http/request-counts.js';
import { createDecimalKernel } from '../../src/sequence/decimal-kernel.js';
import { compare } from '../comparison.js';
import { digitsAt, indexWithDigits } from '../digits.js';
import { chooseLoadTool } from '../load/closed-loop.js';
import { LARGE_BYTES, uws, writeHead } from '../peers/uws-listen.js';
import { Teardowns } from '../teardowns.js';

const SIZES = [20, 2_000, 209_000];
/** Each takes a second, as short as wrk can. */
const ROUNDS = 5;
const CONNECTIONS = 50;
const WRAPPING = { prefix: '{"current": ', suffix: '}' };

const scope = new Teardowns();
const load = chooseLoadTool(undefined);
for (const digits of SIZES) await measure(indexWithDigits(digits));
await scope.run();

async function measure(index: number): Promise<void> {
  const context = await contextAt(index);
  const text = `${WRAPPING.prefix}${'1'.repeat(digitsAt(index))}${WRAPPING.suffix}`;
  const body = text.length < LARGE_BYTES ? text : Buffer.from(text);
  let answer: (res: HttpResponse) => void = () => {};
  const app = uws.App().get('/current', (res) => answer(res));
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) =>
      socket ? resolve(uws.us_socket_local_port(socket)) : reject(new Error('cannot listen')),
    );
  });
  const way = (name: string, handler: (res: HttpResponse) => void) => ({
    name,
    run: async () => {
      answer = handler;
      const before = process.cpuUsage();
      const { requests } = await load.run(scope, {
        port,
        path: '/current',
        connections: CONNECTIONS,
        seconds: 1,
      });
      const { user, system } = process.cpuUsage(before);
      return ((user + system) * 1000) / requests;
    },
  });
  const counts = new RequestCounts('GET', '/current');
  await compare(
    `Reply of ${digitsAt(index).toLocaleString('en-US')} digits, CPU time`,
    'ns/request',
    ROUNDS,
    [
      way(`bare: res.end of a ${typeof body === 'string' ? 'string' : 'buffer'}`, (res) => {
        writeHead(res, index).end(body);
      }),
      way('Reply', (res) =>
        new Reply(res, context, WRAPPING, true, counts, '').settle(index, performance.now()),
      ),
    ],
  );
  app.close();
  context.pages.close();
}

/** Pages that render in this thread, around one index. */
async function contextAt(index: number): Promise<ReplyContext> {
  const memory = new PageMemory(64 * 2 ** 20);
  const kernel = createDecimalKernel(memory.memory);
  const pages = new Pages({
    memory,
    pool: { render: async (task) => render(task, kernel, memory.memory), close: async () => {} },
    waitTimeoutMs: 1000,
    onJump: () => {},
    onFailure: (error) => {
      throw error;
    },
  });
  await new Promise<void>((resolve) => {
    pages.wait(index, performance.now(), () => resolve());
    pages.moveTo(index);
  });
  return {
    pages,
    bytes: Buffer.from(memory.memory.buffer),
    draining: false,
    sending: new Set(),
    retryAfterSeconds: () => 1,
    onError: (error) => {
      throw error;
    },
    onProblem: () => {},
    closed: () => {},
    left: () => {},
  };
}

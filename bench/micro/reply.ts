/**
 * What a `Reply` costs the main thread beside a bare `res.end` of the same bytes: CPU time of this process per
 * request, on real connections, with the terms already added and no owner behind. The load comes from another
 * process.
 */

import type { HttpResponse } from 'uWebSockets.js';
import { Reply, type ReplyContext, Wrapping } from '../../src/http/reply.js';
import { RequestCounts } from '../../src/http/request-counts.js';
import { SlowReaders } from '../../src/http/slow-readers.js';
import { fibonacciPair } from '../../src/residents/fibonacci/fibonacci.js';
import { Terms } from '../../src/residents/fibonacci/terms.js';
import { compare } from '../comparison.js';
import { digitsAt, indexWithDigits } from '../digits.js';
import { chooseLoadTool } from '../load/closed-loop.js';
import { LARGE_BYTES, uws, writeHead } from '../peers/uws-listen.js';
import { Teardowns } from '../teardowns.js';

const SIZES = [20, 2_000, 209_000];
/** Each takes a second, as short as wrk can. */
const ROUNDS = 5;
const CONNECTIONS = 50;
const REQUEST = { requestId: '', origin: '', query: '', last: false };
const WRAPPING = new Wrapping('{"current": ', '}', 16);

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
      way('Reply', (res) => new Reply(res, context, WRAPPING, true, counts, REQUEST).settle(index)),
    ],
  );
  app.close();
  context.slowReaders.close();
}

/** Terms around one index. */
async function contextAt(index: number): Promise<ReplyContext> {
  const terms = new Terms({
    maxIndex: index,
    convert: async (first) => {
      const [a, b] = fibonacciPair(first);
      return [`${a}`, `${b}`];
    },
    onConversion: () => {},
  });
  terms.moveTo(index);
  while (!terms.ready) await new Promise(setImmediate);
  return {
    digits: terms,
    slowReaders: new SlowReaders({ bytes: 64 * 2 ** 20, timeoutMs: 10_000 }),
    draining: false,
    retryAfterSeconds: () => 1,
    onError: (error) => {
      throw error;
    },
    corsHeaders: () => '',
    onProblem: () => {},
    closed: () => {},
    left: () => {},
  };
}

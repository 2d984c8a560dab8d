/** What the handle of an owner says to clients when there is no owner any more, with a thread that does what the test says. */
import t, { type Test } from 'tap';
import { PROBLEMS, type ProblemCode } from '../../../../src/errors.js';
import { RequestMeter } from '../../../../src/meter/request-meter.js';
import { type OwnerEvent, OwnerHandle } from '../../../../src/runtime/front/owner-handle.js';
import type { OwnerThreadHandlers, OwnerThreads } from '../../../../src/runtime/front/owner-threads.js';
import { THREAD_WORDS } from '../../../../src/runtime/link/thread-words.js';
import type { FromOwner } from '../../../../src/runtime/owner/events.js';

const SERVING: FromOwner = {
  kind: 'serving',
  shard: 0,
  epoch: 1,
  version: 0,
  origin: 'fresh',
  repairedFrom: undefined,
};

function setUp(t: Test, restartLimit = 1) {
  const threads: { readonly handlers: OwnerThreadHandlers; readonly ended: string[] }[] = [];
  const next = () => {
    const ended: string[] = [];
    return {
      words: new Int32Array(new SharedArrayBuffer(4 * THREAD_WORDS)),
      start: (_: unknown, handlers: OwnerThreadHandlers) => void threads.push({ handlers, ended }),
      stop: () => {},
      end: (reason: string) => void ended.push(reason),
    };
  };
  const events: OwnerEvent[] = [];
  const handle = new OwnerHandle({
    limits: {
      askTimeoutMs: 60_000,
      shedAfterMs: 60_000,
      watchdogMs: 0,
      restartLimit,
      restartWindowMs: 60_000,
    },
    queue: { capacity: 4, requestBytes: 1024, replyBytes: 1024 },
    shards: 1,
    actors: ['counter'],
    threads: { next, prepareSpare: () => {} } as unknown as OwnerThreads,
    meter: new RequestMeter(['counter']),
    repliesAtOnce: () => Number.POSITIVE_INFINITY,
    onEvent: (event) => events.push(event),
    onError: (error) => t.error(error),
  });
  handle.start('test');
  const heard: ProblemCode[] = [];
  const ask = () =>
    handle.ask(0, 'a', undefined, {
      reply: () => t.fail('there is no reply'),
      refuse: (code) => heard.push(code),
    });
  const current = () => threads.at(-1) as (typeof threads)[number];
  return { handle, events, threads, heard, ask, current };
}

/** 503 promises that nothing was consumed, and proxies repeat such a request by themselves. */
function assertUnknown(t: Test, heard: readonly ProblemCode[], count: number): void {
  t.equal(heard.length, count);
  for (const code of heard) t.not(PROBLEMS[code].status, 503, code);
}

t.test('an owner that cannot go on: no pending request is told that nothing was consumed', async (t) => {
  const { handle, heard, ask, current } = setUp(t);
  current().handlers.onEvent(SERVING);
  ask();
  ask();
  current().handlers.onEvent({ kind: 'fatal', code: 'store-halted', reason: 'as the test wants' });
  assertUnknown(t, heard, 2);
  ask();
  t.equal(heard.at(-1), 'shutting-down', 'what comes later was never taken in');
  t.notOk(handle.alive);
});

t.test('a stop that takes too long: no pending request is told that nothing was consumed', async (t) => {
  const { handle, heard, ask, current } = setUp(t);
  current().handlers.onEvent(SERVING);
  ask();
  const stopped = handle.stop();
  ask();
  t.strictSame(heard, ['shutting-down'], 'what comes after the stop is refused');
  handle.abandon('as the test wants');
  await stopped;
  assertUnknown(t, heard.slice(1), 1);
  t.strictSame(current().ended, ['as the test wants']);
});

t.test(
  'while a dead owner is replaced the service stays ready, until its successor says otherwise',
  async (t) => {
    const { handle, events, threads, heard, ask, current } = setUp(t);
    current().handlers.onEvent(SERVING);
    t.ok(handle.ready);
    current().handlers.onExit('as the test wants');
    t.equal(threads.length, 2);
    t.match(events.at(-1), { kind: 'died', reason: 'as the test wants', unanswered: 0 });
    t.ok(handle.ready);
    ask();
    t.strictSame(heard, [], 'what is asked meanwhile waits for the successor');
    current().handlers.onEvent({ kind: 'standby', shard: 0, reason: 'another instance was quicker' });
    t.notOk(handle.ready);
    t.notOk(handle.mayServe(0));
    handle.abandon('the test is over');
  },
);

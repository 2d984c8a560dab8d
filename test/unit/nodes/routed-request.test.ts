/** A request whose shard may be on another node: it is answered once, and takes effect at most once, whatever the nodes do. */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { PROBLEMS, type ProblemCode } from '../../../src/errors.js';
import { noHeaders, type PeerAnswer } from '../../../src/nodes/peer-answer.js';
import {
  type Asker,
  type Place,
  RoutedRequest,
  type RoutedRequestOptions,
  type RoutingContext,
} from '../../../src/nodes/routed-request.js';
import type { Responder } from '../../../src/runtime/front/request-queue.js';
import type { ReplyView } from '../../../src/runtime/link/front-link.js';
import {
  JSON_REPLY,
  LINK_PROBLEMS,
  type LinkProblem,
  PROBLEM,
} from '../../../src/runtime/link/reply-kind.js';
import { FakeClock } from '../runtime/fake-clock.js';

const DEADLINE = 5_000;
const OTHERS = ['b', 'c'] as const;

/** What happens to a request that is sent, or put into the queue here. The last four are the queue's alone. */
type Fate =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'not-consumed'; readonly holder?: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'reply' }
  | { readonly kind: 'problem'; readonly code: LinkProblem }
  | { readonly kind: 'refuse'; readonly code: ProblemCode }
  | { readonly kind: 'silence' };

interface Step {
  readonly place: 'here' | 'b' | 'c' | 'nowhere';
  readonly fate: Fate;
  readonly tookMs: number;
}

interface Plan {
  readonly steps: readonly Step[];
  readonly query: boolean;
  readonly key: boolean;
  /** When the client leaves. */
  readonly leavesAt?: number;
}

interface Told {
  readonly at: number;
  readonly what: string;
  readonly status: number;
}

/** Routes one request through a world that follows the plan; after its last step the shard is nowhere. */
class World implements RoutingContext, Asker {
  readonly clock = new FakeClock();
  readonly plan: Plan;
  readonly told: Told[] = [];
  readonly sent: { readonly at: number; readonly to: string; readonly fate: Fate }[] = [];
  readonly errors: unknown[] = [];
  open = true;
  #step = -1;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async run(): Promise<void> {
    const { query, key, leavesAt } = this.plan;
    const options: RoutedRequestOptions = {
      shard: 7,
      request: {
        method: 'POST',
        path: '/counters/a/add',
        headers: { requestId: 'r', idempotencyKey: key ? '"k"' : undefined },
        body: undefined,
      },
      query,
      deadline: DEADLINE,
      asker: this,
      askHere: (responder) => this.#askHere(responder),
    };
    if (leavesAt !== undefined)
      this.clock.after(leavesAt, () => {
        this.open = false;
      });
    new RoutedRequest(this, options).begin();
    await turn();
    while (this.clock.nextDueAt < 4 * DEADLINE) {
      this.clock.advance(this.clock.nextDueAt - this.clock.now());
      await turn();
    }
  }

  placeOf(): Place {
    this.#step += 1;
    const place = this.plan.steps[this.#step]?.place ?? 'nowhere';
    return this.find(place);
  }

  find(instance: string): Place {
    if (instance === 'here') return 'here';
    return OTHERS.some((other) => other === instance) ? { instance, address: `${instance}:1` } : undefined;
  }

  send(address: string, _request: unknown, ms: number): Promise<PeerAnswer> {
    const { fate, tookMs } = this.#take(address);
    return new Promise((resolve) => {
      this.clock.after(Math.min(ms, tookMs), () => {
        if (tookMs > ms) resolve({ kind: 'unknown', reason: 'late' });
        else if (fate.kind === 'answered')
          resolve({ ...fate, headers: noHeaders(), body: Buffer.from('answer') });
        else if (fate.kind === 'not-consumed') resolve({ ...fate, reason: 'not here' });
        else resolve({ kind: 'unknown', reason: 'broken' });
      });
    });
  }

  now(): number {
    return this.clock.now();
  }

  after(ms: number, callback: () => void): () => void {
    return this.clock.after(ms, callback);
  }

  onForward(): void {}

  onError(error: unknown): void {
    this.errors.push(error);
  }

  relay(status: number): void {
    this.#tell('relay', status);
  }

  reply({ kind, detail }: ReplyView): void {
    const code = kind === PROBLEM ? LINK_PROBLEMS[detail] : undefined;
    this.#tell(code ?? 'reply', code ? PROBLEMS[code].status : 200);
  }

  refuse(code: ProblemCode): void {
    this.#tell(code, PROBLEMS[code].status);
  }

  #askHere(responder: Responder): void {
    const { fate, tookMs } = this.#take('here');
    const settle = () => {
      switch (fate.kind) {
        case 'answered':
        case 'reply':
          responder.reply(viewOf(JSON_REPLY, 0), Buffer.alloc(0));
          break;
        case 'problem':
          responder.reply(viewOf(PROBLEM, LINK_PROBLEMS.indexOf(fate.code)), Buffer.alloc(0));
          break;
        case 'refuse':
          responder.refuse(fate.code);
          break;
        case 'not-consumed':
          responder.refuse('standby');
          break;
        default:
      }
    };
    if (tookMs === 0) settle();
    else this.clock.after(tookMs, settle);
  }

  #take(to: string): Step {
    const step = this.plan.steps[this.#step] ?? { place: 'nowhere', fate: { kind: 'unknown' }, tookMs: 1 };
    this.sent.push({ at: this.clock.now(), to, fate: step.fate });
    return step;
  }

  #tell(what: string, status: number): void {
    this.told.push({ at: this.clock.now(), what, status });
  }
}

function viewOf(kind: number, detail: number): ReplyView {
  return { kind, detail, ascii: true, replayed: false, offset: 0, length: 0, shard: 0, epoch: 0, version: 0 };
}

async function turn(): Promise<void> {
  for (let at = 0; at < 20; at++) await null;
}

async function travel(steps: readonly Step[], more: Partial<Plan> = {}): Promise<World> {
  const world = new World({ steps, query: false, key: false, ...more });
  await world.run();
  return world;
}

function at(place: Step['place'], fate: Fate, tookMs = 1): Step {
  return { place, fate, tookMs };
}

const ANSWERED = { kind: 'answered', status: 200 } as const;
const ELSEWHERE = { kind: 'not-consumed' } as const;
const UNKNOWN = { kind: 'unknown' } as const;

function expectOne(t: Test, { told, errors }: World, what: string, at?: number): void {
  t.same(
    told.map((one) => one.what),
    [what],
  );
  if (at !== undefined) t.equal(told[0]?.at, at);
  t.same(errors, []);
}

t.test('a request goes to the node that has its shard, and the answer comes back', async (t) => {
  expectOne(t, await travel([at('b', ANSWERED)]), 'relay', 1);
  expectOne(t, await travel([at('here', { kind: 'reply' })]), 'reply', 1);
});

t.test('a request that no node has taken is asked again, after 20 to 200 ms', async (t) => {
  const world = await travel([...Array(6).fill(at('b', ELSEWHERE)), at('c', ANSWERED)]);
  expectOne(t, world, 'relay');
  t.same(
    world.sent.map((one) => one.at),
    [0, 21, 62, 143, 304, 505, 706],
  );
});

t.test('a hint is followed at once, and two nodes that name each other are asked slowly', async (t) => {
  const hint = (holder: string) => ({ kind: 'not-consumed', holder }) as const;
  const world = await travel([at('b', hint('c')), at('b', hint('c')), at('b', ANSWERED)]);
  t.same(
    world.sent.map(({ at, to }) => `${at} ${to}`),
    ['0 b:1', '1 c:1', '22 b:1', '23 c:1', '64 b:1'],
  );
  expectOne(t, world, 'relay');
});

t.test('a hint at a node that is not known is no place to go', async (t) => {
  const world = await travel([at('b', { kind: 'not-consumed', holder: 'x' }), at('c', ANSWERED)]);
  t.same(
    world.sent.map(({ at, to }) => `${at} ${to}`),
    ['0 b:1', '21 c:1'],
  );
});

t.test('a request in the queue here goes on when its shard is handed over', async (t) => {
  expectOne(t, await travel([at('here', ELSEWHERE), at('b', ANSWERED)]), 'relay', 22);
  const standby = at('here', { kind: 'problem', code: 'standby' });
  expectOne(t, await travel([standby, at('b', ANSWERED)]), 'relay', 22);
});

t.test('a command without a key is not sent again when its outcome is unknown', async (t) => {
  const world = await travel([at('b', UNKNOWN), at('b', ANSWERED)]);
  expectOne(t, world, 'node-lost', 1);
  t.equal(world.sent.length, 1);
});

t.test('a command with a key, and a query, are sent again', async (t) => {
  const steps = [at('b', UNKNOWN), at('c', ANSWERED)];
  expectOne(t, await travel(steps, { key: true }), 'relay', 22);
  expectOne(t, await travel(steps, { query: true }), 'relay', 22);
});

t.test(
  'at the deadline a request that nothing is known of is unknown, and any other consumed nothing',
  async (t) => {
    expectOne(t, await travel([]), 'standby', DEADLINE);
    expectOne(t, await travel([at('b', UNKNOWN)], { query: true }), 'standby', DEADLINE);
    expectOne(t, await travel([at('b', UNKNOWN)], { key: true }), 'node-lost', DEADLINE);
    expectOne(t, await travel([at('b', ANSWERED, DEADLINE + 1)]), 'ask-timeout', DEADLINE);
    expectOne(t, await travel([at('here', { kind: 'silence' })]), 'ask-timeout', DEADLINE);
  },
);

t.test('after an unknown outcome no answer says that nothing has happened', async (t) => {
  const again = [at('b', UNKNOWN)];
  const full = { kind: 'refuse', code: 'mailbox-full' } as const;
  const away = { kind: 'problem', code: 'store-unavailable' } as const;
  expectOne(t, await travel([...again, at('here', full)], { key: true }), 'node-lost');
  expectOne(t, await travel([...again, at('here', away)], { key: true }), 'node-lost');
  expectOne(
    t,
    await travel([...again, at('c', { kind: 'answered', status: 503 })], { key: true }),
    'node-lost',
  );
  expectOne(t, await travel([...again, at('here', full)], { query: true }), 'mailbox-full');
  const invalid = { kind: 'problem', code: 'input-invalid' } as const;
  expectOne(t, await travel([...again, at('here', invalid)], { key: true }), 'input-invalid');
});

t.test('a request whose client has left goes nowhere any more', async (t) => {
  const world = await travel([at('b', ELSEWHERE), at('b', ANSWERED)], { leavesAt: 10 });
  t.equal(world.sent.length, 1);
  t.same(world.told, []);
});

t.test('an asker that throws is reported, and is not answered again', async (t) => {
  const world = new World({ steps: [at('b', ANSWERED)], query: false, key: false });
  world.relay = () => {
    throw new Error('the response failed');
  };
  await world.run();
  t.match(world.errors, [{ message: 'the response failed' }]);
  t.same(world.told, []);
});

const fates: fc.Arbitrary<Fate> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom(200, 409, 503, 504).map((status) => ({ kind: 'answered' as const, status })),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Fate>(
      ELSEWHERE,
      { ...ELSEWHERE, holder: 'b' },
      { ...ELSEWHERE, holder: 'here' },
      { ...ELSEWHERE, holder: 'x' },
    ),
  },
  { weight: 4, arbitrary: fc.constant(UNKNOWN) },
  fc.constantFrom(...LINK_PROBLEMS).map((code) => ({ kind: 'problem' as const, code })),
  fc
    .constantFrom<ProblemCode>('standby', 'mailbox-full', 'poisoned', 'shutting-down')
    .map((code) => ({ kind: 'refuse' as const, code })),
  fc.constant({ kind: 'silence' as const }),
);

const plans: fc.Arbitrary<Plan> = fc.record(
  {
    steps: fc.array(
      fc.record({
        place: fc.constantFrom('here' as const, 'b' as const, 'c' as const, 'nowhere' as const),
        fate: fates,
        tookMs: fc.oneof({ weight: 4, arbitrary: fc.nat(400) }, fc.nat(2 * DEADLINE)),
      }),
      { maxLength: 40 },
    ),
    query: fc.boolean(),
    key: fc.boolean(),
    leavesAt: fc.nat(DEADLINE),
  },
  { requiredKeys: ['steps', 'query', 'key'] },
);

t.test('whatever the nodes do, a request is answered once, in time, and truly', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const world = await travel(plan.steps, plan);
      const { told, sent, errors } = world;
      const { query, key, leavesAt = Number.POSITIVE_INFINITY } = plan;
      const claims: Record<string, boolean> = {
        'answered once': told.length === 1 || (told.length === 0 && leavesAt <= DEADLINE),
        'in time': told.every(({ at }) => at <= DEADLINE),
        'nothing fails': errors.length === 0,
        'nothing is sent after the deadline': sent.every(({ at }) => at < DEADLINE),
        'nothing is sent for a client that has left': sent.every(({ at }) => at <= leavesAt),
        'nothing waits for ever': world.clock.timers === 0,
      };
      // An answer ends it; an unknown outcome does, for a command without a key.
      const last = sent.length - 1;
      sent.forEach(({ to, fate }, at) => {
        const ends = to !== 'here' && (fate.kind === 'unknown' || fate.kind === 'answered') && !query && !key;
        if (ends && at < last) claims['nothing is sent again that may have happened'] = false;
      });
      // What was sent to another node and came to no known end may have happened.
      const unknown = !query && sent.some(({ to, fate }) => to !== 'here' && fate.kind === 'unknown');
      if (unknown) claims['503 only when nothing has happened'] = told.every(({ status }) => status !== 503);
      for (const [claim, holds] of Object.entries(claims)) if (!holds) throw new Error(`not so: ${claim}`);
    }),
    { numRuns: 2_000 },
  );
});

/** The behavior of a defined actor, as the owner's loop takes its turns. */
import t from 'tap';
import { checkDefinitions } from '../../../../src/runtime/definition.js';
import { JSON_REPLY, LINK_PROBLEMS, PROBLEM, REFUSAL } from '../../../../src/runtime/link/reply-kind.js';
import { DefinedBehavior } from '../../../../src/runtime/owner/defined-behavior.js';
import type { Turn } from '../../../../src/runtime/owner/served.js';

const LIMITS = { stateBytes: 1_000, replyBytes: 1_000, largeBigintBits: 1_024 };
const CONTEXT = { id: 'turn-1', now: 1_000 };

function behaviorOf(run: () => unknown): DefinedBehavior {
  const exported = { name: 'room', initial: { n: 1 }, commands: { run } };
  const [definition] = checkDefinitions([{ place: 'room.js', exported }]);
  if (!definition) throw new Error('no definition');
  return new DefinedBehavior(definition, LIMITS);
}

function turnOf(run: () => unknown): Turn {
  return behaviorOf(run).turn(0, undefined, 'berlin', undefined, CONTEXT);
}

t.test('the text of a change is what the state is loaded from', async (t) => {
  const behavior = behaviorOf(() => ({ state: { n: 7, text: 'ü🂡' }, reply: 7 }));
  const { kind, text, change } = behavior.turn(0, undefined, 'berlin', undefined, CONTEXT);
  t.strictSame([kind, text], [JSON_REPLY, '7']);
  const stored = behavior.encode(change?.state);
  t.strictSame(behavior.load(stored).state, change?.state);
  t.equal(behavior.load(stored).bytes, change?.bytes);
});

t.test('a stored text that is damaged anywhere is unreadable', async (t) => {
  const behavior = behaviorOf(() => ({ state: { n: 7 } }));
  const stored = behavior.encode(behavior.turn(0, undefined, 'berlin', undefined, CONTEXT).change?.state);
  for (const damaged of [
    '',
    'null',
    stored.slice(0, -1),
    stored.slice(1),
    `${stored}}`,
    stored.replace('"n":7', '"n":8'),
    stored.replace('"format":1', '"format":2'),
  ]) {
    t.throws(() => behavior.load(damaged), { code: 'state-unreadable' }, damaged);
  }
});

t.test('whatever is thrown or refused, the reply is short enough for a link', async (t) => {
  const long = '\0'.repeat(3_000_000);
  const thrown = turnOf(() => {
    throw new Error(long);
  });
  t.strictSame([thrown.kind, LINK_PROBLEMS[thrown.detail]], [PROBLEM, 'behavior-failed']);
  t.ok(thrown.text.length < 20_000, `${thrown.text.length} characters`);
  const refused = turnOf(() => ({ refuse: { code: long } }));
  t.strictSame([refused.kind, LINK_PROBLEMS[refused.detail]], [PROBLEM, 'behavior-failed']);
  t.match(refused.text, 'longer than');
  const right = turnOf(() => ({ refuse: { code: 'x'.repeat(1_000), details: { n: 1 } } }));
  t.strictSame([right.kind, right.detail], [REFUSAL, 409]);
});

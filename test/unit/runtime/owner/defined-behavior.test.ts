/** The behavior of a defined actor, as the owner's loop takes its turns. */
import t from 'tap';
import { checkDefinitions } from '../../../../src/runtime/definition.js';
import { JSON_REPLY, LINK_PROBLEMS, PROBLEM, REFUSAL } from '../../../../src/runtime/link/reply-kind.js';
import type { Turn } from '../../../../src/runtime/owner/behavior.js';
import { DefinedBehavior } from '../../../../src/runtime/owner/defined-behavior.js';
import { replyText } from '../../../../src/runtime/reply-text.js';
import type { Checked } from '../../../../src/runtime/values.js';

const LIMITS = { stateBytes: 1_000, replyBytes: 1_000, largeBigintBits: 1_024 };
const CONTEXT = { id: 'turn-1', now: 1_000, commit: '' };

function behaviorOf(
  run: () => unknown,
  encode: (large: Checked) => Promise<string> = async (large) => replyText(large),
): DefinedBehavior {
  const exported = { name: 'room', initial: { n: 1 }, commands: { run } };
  const [definition] = checkDefinitions([{ place: 'room.js', exported }]);
  if (!definition) throw new Error('no definition');
  return new DefinedBehavior(definition, LIMITS, encode);
}

function turnOf(run: () => unknown): Turn {
  return takenBy(behaviorOf(run));
}

function takenBy(behavior: DefinedBehavior): Turn {
  const turn = behavior.turn(0, undefined, 'berlin', undefined, CONTEXT);
  if (turn instanceof Promise) throw new Error('its reply is large');
  return turn;
}

t.test('the text of a change is what the state is loaded from', async (t) => {
  const behavior = behaviorOf(() => ({ state: { n: 7, text: 'ü🂡' }, reply: 7 }));
  const { kind, text, change } = takenBy(behavior);
  t.strictSame([kind, text], [JSON_REPLY, '7']);
  const stored = behavior.encode(change?.state, '0.3.17');
  t.strictSame(behavior.load(stored).state, change?.state);
  t.equal(behavior.load(stored).bytes, change?.bytes);
  t.equal(behavior.load(stored).commit, '0.3.17', 'and it names the commit that wrote it');
});

t.test('a stored text that is damaged anywhere is unreadable', async (t) => {
  const behavior = behaviorOf(() => ({ state: { n: 7 } }));
  const stored = behavior.encode(takenBy(behavior).change?.state, '0.3.17');
  for (const damaged of [
    '',
    'null',
    stored.slice(0, -1),
    stored.slice(1),
    `${stored}}`,
    stored.replace('"n":7', '"n":8'),
    stored.replace('"format":2', '"format":1'),
    stored.replace('"version":1', '"version":2'),
    stored.replace('0.3.17', '0.3.18'),
  ]) {
    t.throws(() => behavior.load(damaged), { code: 'state-unreadable' }, damaged);
  }
});

t.test('what was thrown is for the log, and what cannot be used is for the client, too', async (t) => {
  const secret = 'postgres://app:hunter2@db';
  for (const thrown of [new Error(secret), secret, { message: secret }]) {
    const { text, failure } = turnOf(() => {
      throw thrown;
    });
    t.equal(text, 'room.run threw; the log of the server tells what');
    if (typeof thrown === 'string' || thrown instanceof Error) t.match(failure, secret);
  }
  const { text, failure } = turnOf(() => ({ reply: Number.NaN }));
  t.match(text, 'room.run returned a value that cannot be used: reply is NaN');
  t.equal(failure, text);
});

t.test('whatever is thrown or refused, the reply is short enough for a link', async (t) => {
  const long = '\0'.repeat(3_000_000);
  const thrown = turnOf(() => {
    throw new Error(long);
  });
  t.strictSame([thrown.kind, LINK_PROBLEMS[thrown.detail]], [PROBLEM, 'behavior-failed']);
  for (const text of [thrown.text, thrown.failure ?? '']) {
    t.ok(text.length > 0 && text.length < 20_000, `${text.length} characters`);
  }
  const refused = turnOf(() => ({ refuse: { code: long } }));
  t.strictSame([refused.kind, LINK_PROBLEMS[refused.detail]], [PROBLEM, 'behavior-failed']);
  t.match(refused.text, 'longer than');
  const right = turnOf(() => ({ refuse: { code: 'x'.repeat(1_000), details: { n: 1 } } }));
  t.strictSame([right.kind, right.detail], [REFUSAL, 409]);
});

const LARGE = 2n ** 1_100n;
/** Its hexadecimal digits are within the limit, and its decimal ones are not. */
const TOO_LARGE = 2n ** 3_900n;

function largeTurnOf(run: () => unknown, encode?: (large: Checked) => Promise<string>): Promise<Turn> {
  const turn = behaviorOf(run, encode).turn(0, undefined, 'berlin', undefined, CONTEXT);
  if (!(turn instanceof Promise)) throw new Error('its reply is not large');
  return turn;
}

t.test('a large reply, or refusal, has the text that was made elsewhere, with all its digits', async (t) => {
  const replied = await largeTurnOf(() => ({ state: { n: 2 }, reply: [LARGE] }));
  t.match(replied, { kind: JSON_REPLY, text: `[${LARGE}]`, change: { state: { value: { n: 2 } } } });
  const refused = await largeTurnOf(() => ({ refuse: { code: 'no', details: LARGE } }));
  t.match(refused, { kind: REFUSAL, detail: 409, text: `"code":"no","details":${LARGE}`, change: undefined });
});

t.test('a large reply that has no usable text fails its turn, and changes nothing', async (t) => {
  const turns: [string, Promise<Turn>][] = [
    ['reply is larger than 1000 bytes', largeTurnOf(() => ({ state: 1, reply: TOO_LARGE }))],
    ['details is larger than', largeTurnOf(() => ({ refuse: { code: 'no', details: TOO_LARGE } }))],
    [
      'reply has no text: it took longer',
      largeTurnOf(
        () => ({ state: 1, reply: LARGE }),
        () => Promise.reject(new Error('it took longer than 5 ms')),
      ),
    ],
  ];
  for (const [sentence, turn] of turns) {
    const { kind, detail, text, change, failure } = await turn;
    t.strictSame([kind, LINK_PROBLEMS[detail], change], [PROBLEM, 'behavior-failed', undefined], sentence);
    t.match(text, `room.run returned a value that cannot be used: ${sentence}`);
    t.equal(failure, text);
  }
});

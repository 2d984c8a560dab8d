/** A stored state comes forward to the version of its actor, or its actor stops with a reason. */
import t from 'tap';
import { checkDefinitions } from '../../../src/runtime/definition.js';
import { loadState } from '../../../src/runtime/load-state.js';

function definition(version: number, migrate: object) {
  const exported = { name: 'game', version, initial: 0, commands: { move: () => ({}) }, migrate };
  const [checked] = checkDefinitions([{ place: 'game.js', exported }]);
  if (!checked) throw new Error('no definition');
  return checked;
}

const three = definition(3, {
  1: (n: number) => ({ n }),
  2: (old: { n: number }) => ({ ...old, cents: BigInt(old.n) * 100n, gone: undefined }),
});

t.test('a state takes all the steps that it lacks, and no other', async (t) => {
  const loaded = { kind: 'loaded', state: { value: { n: 5, cents: 500n } } };
  t.match(loadState(three, 1, '5'), loaded);
  t.match(loadState(three, 2, '{"n":5}'), loaded);
  t.match(loadState(three, 3, '{"n":5,"cents":{"$bigint":"1f4"}}'), loaded);
  const result = loadState(three, 1, '5');
  t.ok(result.kind === 'loaded' && Object.isFrozen(result.state.value));
});

t.test('a step gets a frozen state', async (t) => {
  const mutating = definition(2, { 1: (old: { n: number }) => Object.assign(old, { n: 1 }) });
  t.match(loadState(mutating, 1, '{"n":0}'), {
    kind: 'unreadable',
    reason: /the migration of game from version 1 failed: Cannot assign to read only property/,
  });
});

t.test('what cannot be loaded has a reason, and nothing is reset', async (t) => {
  for (const version of [0, 4, 1.5, Number.NaN]) {
    t.match(loadState(three, version, '5'), {
      kind: 'unreadable',
      reason: `the stored state has version ${version}, and game here knows 1 to 3`,
    });
  }
  t.match(loadState(three, 3, '{'), { kind: 'unreadable', reason: /a stored state cannot be read/ });
  const dated = definition(2, { 1: () => ({ at: new Date() }) });
  t.match(loadState(dated, 1, '5'), { kind: 'unreadable', reason: /game.migrate\[1\].at is a Date/ });
  const late = definition(2, { 1: () => Promise.reject(new Error('late')) });
  t.match(loadState(late, 1, '5'), { kind: 'unreadable', reason: /game.migrate\[1\] is a Promise/ });
  const grown = definition(2, { 1: () => 'x'.repeat(100) });
  t.match(loadState(grown, 1, '5', 50), { kind: 'unreadable', reason: /is larger than 50 bytes/ });
});

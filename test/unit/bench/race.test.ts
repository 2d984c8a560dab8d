import { readFileSync } from 'node:fs';
import t from 'tap';
import { honestyOf } from '../../../bench/race/honesty.js';
import { killTree, treeOf } from '../../../bench/race/process-tree.js';
import { parseRaceArguments } from '../../../bench/race/race-arguments.js';
import { type RaceContestant, raceContestants } from '../../../bench/race/race-contestants.js';
import { withRaceTable } from '../../../bench/race/race-report.js';
import { surroundings } from '../../../bench/report/surroundings.js';
import { Teardowns } from '../../../bench/teardowns.js';
import { ChildHandle } from '../../support/child-handle.js';

const IDS = ['bare', 'lines-level', 'warren-level'];

t.test('a full race writes its pages, and one with options does so only when it is asked to', async (t) => {
  t.match(parseRaceArguments([], IDS), { rounds: 3, seconds: 2, kills: 3, write: true, only: [] });
  t.match(parseRaceArguments(['--quick'], IDS), { rounds: 1, seconds: 1, kills: 1, write: false });
  t.equal(parseRaceArguments(['--rounds', '5', '--write'], IDS).write, true);
});

t.test('an option that makes no sense is refused by name', async (t) => {
  t.throws(() => parseRaceArguments(['--only', 'bare,nobody'], IDS), /nobody/);
  t.throws(() => parseRaceArguments(['--rounds', '0'], IDS), /--rounds/);
  t.throws(() => parseRaceArguments(['--seconds', 'two'], IDS), /--seconds/);
});

t.test('the table of the README stands between its marks, and nothing else changes', async (t) => {
  const facts = surroundings({ name: 'wrk', version: '4', run: async () => t.fail() as never }, []);
  const results = {
    contestants: [],
    measurements: [],
    syncs: new Map(),
    honesty: new Map(),
    notes: [],
  };
  const readme = withRaceTable('before\n<!-- race -->\nold\n<!-- /race -->\nafter\n', facts, results);
  t.match(readme, /^before\n<!-- race -->\n\n.*answers\/s.*\n\n<!-- \/race -->\nafter\n$/s);
  t.notMatch(readme, /old/);
  t.equal(withRaceTable('no marks', facts, results), undefined);
});

t.test('the processes of a contestant are those that it started, and theirs; all are killed', async (t) => {
  const child = await ChildHandle.spawn({
    command: 'sh',
    args: ['-c', 'sleep 600 & echo up; wait'],
    env: {},
  });
  t.teardown(() => child.end());
  await new Promise<void>((resolve) => child.onStdout(() => resolve()));
  const tree = treeOf([child.pid]);
  t.equal(tree.length, 2);
  killTree([child.pid]);
  await child.exited;
  for (const pid of tree) {
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

t.test('the honesty column finds a server that forgets, and none that does not', async (t) => {
  const scope = new Teardowns();
  t.teardown(() => scope.run());
  const contestant = (wanted: string) => raceContestants().find(({ id }) => id === wanted) as RaceContestant;
  const forgets = await honestyOf(scope, contestant('bare'), 2);
  t.ok(forgets.setBack > 0, `${forgets.setBack} set back`);
  t.ok(forgets.twice > 0, `${forgets.twice} twice`);
  for (const id of ['lines-level', 'warren-level']) {
    const { answered, setBack, twice } = await honestyOf(scope, contestant(id), 2);
    t.ok(answered > 0);
    t.strictSame({ setBack, twice }, { setBack: 0, twice: 0 }, id);
  }
});

/** A process that has ended and that nobody has waited for yet counts as gone. */
function isAlive(pid: number): boolean {
  return treeOf([pid]).length > 0 && !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

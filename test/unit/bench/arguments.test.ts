import t from 'tap';
import { parseArguments, SCENARIO_KEYS } from '../../../bench/arguments.js';

t.test('without options everything runs in full', async (t) => {
  t.same(parseArguments([]), {
    quick: false,
    scenarios: SCENARIO_KEYS,
    peers: [],
    load: undefined,
    name: undefined,
    help: false,
  });
});

t.test('scenarios are picked by comma or by repetition, and run in their own order', async (t) => {
  t.same(parseArguments(['--scenario', 'c,a']).scenarios, ['a', 'c']);
  t.same(parseArguments(['--scenario', 'h', '--scenario', ' B ']).scenarios, ['b', 'h']);
});

t.test('a peer is name=command@port, and its command may hold = and @', async (t) => {
  const { peers } = parseArguments(['--peer', 'go=./server --key=a@b@8081', '--peer', 'other=x@1']);
  t.same(peers, [
    { name: 'go', command: './server --key=a@b', port: 8081 },
    { name: 'other', command: 'x', port: 1 },
  ]);
});

t.test('what it does not know it refuses, and names it', async (t) => {
  const refused: readonly [string[], RegExp][] = [
    [['--scenario', 'a,z'], /no scenario z/],
    [['--scenario', ''], /no scenario/],
    [['--peer', 'go=./server'], /name=command@port/],
    [['--peer', 'go=./server@0'], /name=command@port/],
    [['--peer', 'go=./server@70000'], /name=command@port/],
    [['--peer', '=./server@80'], /name=command@port/],
    [['--load', 'ab'], /wrk or autocannon/],
    [['--name', '../elsewhere'], /plain file name/],
    [['--fast'], /--fast/],
    [['a'], /'a'/],
  ];
  for (const [argv, reason] of refused) t.throws(() => parseArguments(argv), reason, argv.join(' '));
});

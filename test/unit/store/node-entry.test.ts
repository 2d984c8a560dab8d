/** What nodes conclude from what others tell: whom they reach, and what they can read. */
import t from 'tap';
import { canReach, canRead, holdsUnder } from '../../../src/store/node-entry.js';
import { nodeCalled } from '../nodes/node-entry.js';

t.test('a loopback address reaches nodes of the same host alone', async (t) => {
  const here = nodeCalled('here', { process: 'aa.10.1' });
  const beside = { process: 'aa.11.1' };
  const elsewhere = { process: 'bb.10.1' };
  for (const address of ['127.0.0.1:7000', '127.9.9.9:7000', '[::1]:7000', 'localhost:7000']) {
    t.ok(canReach(here, nodeCalled('x', { address, ...beside })), address);
    t.notOk(canReach(here, nodeCalled('x', { address, ...elsewhere })), address);
  }
  for (const address of ['10.0.0.7:7000', '[fd00::1]:7000', 'node-1.nodes:7000', '127.example.org:7000'])
    t.ok(canReach(here, nodeCalled('x', { address, ...elsewhere })), address);
  t.notOk(canReach(here, nodeCalled('x', { address: '', ...beside })));
});

t.test('hosts whose mark cannot be told count as one', async (t) => {
  const [a, b] = ['a', 'b'].map((name) => nodeCalled(name, { process: '', address: '127.0.0.1:1' }));
  if (!a || !b) throw new Error('two nodes');
  t.ok(canReach(a, b));
});

t.test('a node reads states up to its version, and none of an actor that it does not serve', async (t) => {
  const node = nodeCalled('a', { actors: { counters: 2, tickets: 1 } });
  t.ok(canRead(node, {}));
  t.ok(canRead(node, { counters: 1, tickets: 1 }));
  t.ok(canRead(node, { counters: 2 }));
  t.notOk(canRead(node, { counters: 3 }));
  t.notOk(canRead(node, { rooms: 1 }));
  t.notOk(canRead(node, { constructor: 1 }));
});

t.test('what a shard may hold only grows with its owners, and has one form', async (t) => {
  const holds = holdsUnder({ actors: { tickets: 1, counters: 2 } }, { rooms: 3, counters: 1 });
  t.same(holds, { counters: 2, rooms: 3, tickets: 1 });
  t.equal(JSON.stringify(holds), '{"counters":2,"rooms":3,"tickets":1}');
  t.same(holdsUnder({ actors: { counters: 1 } }, holds), holds);
});

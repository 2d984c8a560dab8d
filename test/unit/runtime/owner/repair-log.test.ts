/** The log of the last commits, from which a store that lost them is repaired. */
import fc from 'fast-check';
import t from 'tap';
import { RepairLog, repairMemory } from '../../../../src/runtime/owner/repair-log.js';
import type { Change } from '../../../../src/store/contract.js';

const EMPTY = { store: 's', version: 0, group: '', epoch: 1 };

function logOn(memory: SharedArrayBuffer): RepairLog {
  const log = new RepairLog(memory);
  log.adopt(EMPTY);
  return log;
}

function commit(log: RepairLog, version: number, changes: readonly Change[]): void {
  log.append(version, `group ${version}`, changes);
  log.confirm(version, `group ${version}`);
}

const put = (key: string, text: string | undefined): Change => ({ id: `counter/${key}`, text });

t.test('the last text of each actor that changed after a version is told', async (t) => {
  const log = logOn(repairMemory(10_000));
  commit(log, 1, [put('a', 'a1'), put('b', 'b1')]);
  commit(log, 2, [put('a', 'a2 ü🂡'), put('c', 'c2')]);
  commit(log, 3, [put('c', undefined)]);
  t.equal(log.known?.version, 3);
  t.strictSame(log.since(0), [put('a', 'a2 ü🂡'), put('b', 'b1'), put('c', undefined)]);
  t.strictSame(log.since(1), [put('a', 'a2 ü🂡'), put('c', undefined)]);
  t.strictSame(log.since(2), [put('c', undefined)]);
  t.strictSame(log.since(3), []);
});

t.test('a log that does not reach back so far says so', async (t) => {
  const log = new RepairLog(repairMemory(10_000));
  t.equal(log.since(0), undefined, 'it has adopted nothing');
  t.equal(log.known, undefined);
  log.adopt({ store: 's', version: 5, group: 'group 5', epoch: 1 });
  commit(log, 6, [put('a', 'a6')]);
  t.equal(log.since(4), undefined);
  t.strictSame(log.since(5), [put('a', 'a6')]);
  log.clear();
  t.equal(log.since(5), undefined, 'and so does one that was cleared');
});

t.test('a commit that is not confirmed is not told, and gives way to the next one', async (t) => {
  const log = logOn(repairMemory(10_000));
  commit(log, 1, [put('a', 'a1')]);
  log.append(2, 'x', [put('a', 'x')]);
  t.strictSame(log.since(0), [put('a', 'a1')]);
  t.equal(log.known?.version, 1);
  log.append(2, 'y', [put('b', 'y')]);
  log.confirm(2, 'y');
  t.strictSame(log.since(0), [put('a', 'a1'), put('b', 'y')]);
  t.equal(log.known?.group, 'y');
});

t.test('a log without room knows what was acknowledged, and cannot repair it', async (t) => {
  const memory = repairMemory(0);
  const log = logOn(memory);
  commit(log, 1, [put('a', 'a1')]);
  log.append(2, 'group 2', [put('a', 'a2')]);
  const successor = new RepairLog(memory);
  for (const each of [log, successor]) {
    t.match(each.known, { version: 1, group: 'group 1', epoch: 1 });
    t.equal(each.since(0), undefined);
    t.strictSame(each.since(1), []);
  }
  successor.adopt({ store: 's', version: 2, group: 'group 2', epoch: 2 });
  t.equal(successor.known?.version, 2);
  t.equal(successor.since(1), undefined);
});

t.test('a successor on the same memory knows the same', async (t) => {
  const memory = repairMemory(10_000);
  const first = logOn(memory);
  commit(first, 1, [put('a', 'a1')]);
  first.append(2, 'group 2', [put('b', 'b2')]);
  const second = new RepairLog(memory);
  t.equal(second.known?.version, 1);
  t.strictSame(second.since(0), [put('a', 'a1')]);
  second.adopt({ store: 's', version: 2, group: 'group 2', epoch: 2 });
  t.equal(second.known?.version, 2, 'the commit under way is recognised in the store');
  t.strictSame(second.since(0), [put('a', 'a1'), put('b', 'b2')]);
});

t.test('adopting what is known keeps the log, adopting anything else begins it anew', async (t) => {
  const memory = repairMemory(10_000);
  const log = logOn(memory);
  commit(log, 1, [put('a', 'a1')]);
  log.append(2, 'group 2', [put('b', 'b2')]);
  log.adopt({ store: 's', version: 1, group: 'group 1', epoch: 2 });
  t.strictSame(log.since(0), [put('a', 'a1')], 'the commit under way has not happened');
  for (const other of [
    { store: 's', version: 2, group: 'other', epoch: 2 },
    { store: 's', version: 3, group: 'group 2', epoch: 2 },
    { store: 'other', version: 1, group: 'group 1', epoch: 2 },
  ]) {
    const log = logOn(repairMemory(10_000));
    commit(log, 1, [put('a', 'a1')]);
    log.append(2, 'group 2', [put('b', 'b2')]);
    log.adopt(other);
    t.equal(log.since(other.version - 1), undefined, JSON.stringify(other));
    t.strictSame(log.since(other.version), []);
  }
});

t.test('the last epoch that was adopted is known, also to a successor', async (t) => {
  const memory = repairMemory(10_000);
  const log = logOn(memory);
  commit(log, 1, [put('a', 'a1')]);
  log.adopt({ store: 's', version: 1, group: 'group 1', epoch: 7 });
  t.equal(log.known?.epoch, 7);
  t.equal(new RepairLog(memory).known?.epoch, 7);
  log.append(2, 'group 2', []);
  log.adopt({ store: 's', version: 2, group: 'group 2', epoch: 8 });
  t.equal(new RepairLog(memory).known?.epoch, 8, 'also when that settles a commit under way');
});

t.test('a commit that is too large to be kept ends what can be repaired', async (t) => {
  const log = logOn(repairMemory(200));
  commit(log, 1, [put('a', 'a1')]);
  commit(log, 2, [put('b', 'b'.repeat(200))]);
  t.equal(log.known?.version, 2);
  t.equal(log.since(0), undefined);
  t.equal(log.since(1), undefined);
  commit(log, 3, [put('c', 'c3')]);
  t.strictSame(log.since(2), [put('c', 'c3')]);
});

t.test('a thread that dies while it drops the oldest commits leaves a log that can be read', async (t) => {
  const memory = repairMemory(200);
  const log = logOn(memory);
  for (let version = 1; version <= 3; version++) commit(log, version, [put('a', `${version}`.repeat(20))]);
  const active = Buffer.from(memory).subarray(0, 4);
  for (let version = 4; version <= 40; version++) {
    const changes = [put('a', `${version}`.repeat(1 + (version % 30)))];
    log.append(version, `group ${version}`, changes);
    // Its last step makes the header visible; without that step it may be either of the two.
    const after = Buffer.from(active);
    active.set([1 - (after[0] as number)]);
    const left = new RepairLog(memory);
    active.set(after);
    t.equal(left.known?.version, version - 1);
    const since = left.since(version - 2);
    if (since) t.strictSame(since.length, 1, 'the commit before is whole, if it is there');
    log.confirm(version, `group ${version}`);
  }
  t.equal(log.since(3), undefined, 'the oldest commits were dropped');
});

t.test('the log is that of a plain list, through wraps, deaths and failures', async () => {
  const change = fc.record({
    id: fc.constantFrom('counter/a', 'counter/b', 'counter/ü'),
    text: fc.option(fc.string({ unit: 'grapheme', maxLength: 60 }), { nil: undefined }),
  });
  const step = fc.record({
    changes: fc.array(change, { maxLength: 3 }),
    fate: fc.constantFrom(
      'confirmed',
      'confirmed',
      'confirmed',
      'failed',
      'stored, and the thread dies',
      'the thread dies',
    ),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 150, max: 900 }),
      (steps, bytes) => {
        const memory = repairMemory(bytes);
        let log = logOn(memory);
        const list: { changes: readonly Change[] }[] = [];
        for (const [at, { changes, fate }] of steps.entries()) {
          const version = list.length + 1;
          const group = `${at}`;
          log.append(version, group, changes);
          if (fate === 'confirmed') log.confirm(version, group);
          if (fate.endsWith('dies')) {
            const known = log.known ?? EMPTY;
            log = new RepairLog(memory);
            log.adopt(fate.startsWith('stored') ? { store: 's', version, group, epoch: 1 } : known);
          }
          if (fate === 'confirmed' || fate.startsWith('stored')) list.push({ changes });
          if (log.known?.version !== list.length)
            throw new Error(`knows ${log.known?.version}, not ${list.length}`);
          let reaches = false;
          for (let from = 0; from <= list.length; from++) {
            const texts = new Map(
              list.slice(from).flatMap((each) => each.changes.map(({ id, text }) => [id, text] as const)),
            );
            const since = log.since(from);
            if (reaches && !since)
              throw new Error('a log that reaches back to a version reaches to the next one');
            reaches ||= since !== undefined;
            const told = since && JSON.stringify(since.map(({ id, text }) => [id, text]).sort());
            if (since && told !== JSON.stringify([...texts].sort()))
              throw new Error(`since ${from}: ${told}`);
          }
          if (fate === 'confirmed' && !log.since(list.length))
            throw new Error('it reaches to the last version');
        }
      },
    ),
  );
});

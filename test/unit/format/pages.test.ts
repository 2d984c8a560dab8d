/** The chain of pages, with a pool that the test holds: rendered ahead, released late, bounded always. */
import t, { type Test } from 'tap';
import type { FormatPool } from '../../../src/format/format-pool.js';
import type { Page } from '../../../src/format/page.js';
import { PageMemory } from '../../../src/format/page-memory.js';
import { Pages, type Reader } from '../../../src/format/pages.js';
import { type RenderTask, render } from '../../../src/format/render.js';
import { createDecimalKernel } from '../../../src/sequence/decimal-kernel.js';
import { fibonacciPair } from '../../../src/sequence/fibonacci.js';

const MIB = 2 ** 20;

/** Renders for real, but only when told to. */
class HeldPool implements FormatPool {
  readonly tasks: RenderTask[] = [];
  readonly memory: WebAssembly.Memory;
  #go: (() => void) | undefined;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  get busy(): boolean {
    return this.#go !== undefined;
  }

  render(task: RenderTask): Promise<void> {
    this.tasks.push(task);
    return new Promise((resolve, reject) => {
      this.#go = () => {
        try {
          resolve(render(task, createDecimalKernel(this.memory), this.memory));
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  /** Lets the page under way come, and everything that follows from it. */
  async step(): Promise<void> {
    const go = this.#go;
    this.#go = undefined;
    go?.();
    await new Promise((done) => setImmediate(done));
  }

  async settle(): Promise<void> {
    while (this.busy) await this.step();
  }

  async close(): Promise<void> {}
}

function setUp(t: Test, memoryBytes = 64 * MIB) {
  const memory = new PageMemory(memoryBytes);
  const pool = new HeldPool(memory.memory);
  const failures: unknown[] = [];
  const pages = new Pages({
    memory,
    pool,
    waitTimeoutMs: 200,
    onJump: () => {},
    onFailure: (error) => failures.push(error),
  });
  // Its own timers keep no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => {
    clearInterval(alive);
    pages.close();
  });
  const bytes = Buffer.from(memory.memory.buffer);
  const digitsIn = (page: Page, index: number) =>
    bytes.toString('latin1', page.startOf(index), page.endOf(index));
  const digits = (index: number) => {
    const page = pages.find(index);
    return page && digitsIn(page, index);
  };
  return { memory, pool, pages, failures, digits, digitsIn };
}

/** In small steps, for which no more is kept ahead than usual. */
function walk(pages: Pages, from: number, to: number): void {
  for (let index = from; index < to; index += 10) pages.moveTo(index);
  pages.moveTo(to);
}

const reader = (): Reader & { cuts: number } => ({
  progressAt: performance.now(),
  cuts: 0,
  cut() {
    this.cuts += 1;
  },
});

t.test('what comes next is at hand: two pages beyond the one with the position', async (t) => {
  const { pages, pool, digits } = setUp(t);
  pages.moveTo(1_000);
  t.notOk(pages.started);
  await pool.settle();
  t.ok(pages.started);
  t.equal(pool.tasks.length, 3);
  t.strictSame(
    pool.tasks.map(({ from }) => typeof from),
    ['number', 'object', 'object'],
  );
  t.equal(digits(999), `${fibonacciPair(999)[0]}`, '/previous, too');
  const last = (pages.find(1_000) as Page).end;
  walk(pages, 1_000, last);
  await pool.settle();
  t.equal(pool.tasks.length, 4, 'one more as the position passes into the next page');
  t.equal(digits(last), `${fibonacciPair(last)[0]}`);
});

t.test('a reply whose term is not rendered waits for it, and hears when that takes too long', async (t) => {
  const { pages, pool } = setUp(t);
  pages.moveTo(10);
  const heard: (Page | undefined)[] = [];
  pages.wait(10, performance.now(), (page) => heard.push(page));
  t.equal(pages.waiting, 1);
  await pool.step();
  t.ok(heard[0]?.has(10));
  const late = await new Promise<Page | undefined>((resolve) =>
    pages.wait(10_000_000, performance.now(), resolve),
  );
  t.equal(late, undefined);
  t.equal(pages.waiting, 0);
});

t.test('a page is given back when its terms have passed and nobody reads from it', async (t) => {
  const { pages, pool, memory, digitsIn } = setUp(t);
  pages.moveTo(20_000);
  await pool.settle();
  const page = pages.find(20_000) as Page;
  const used = memory.used;
  const [one, two] = [reader(), reader()];
  pages.hold(page, one);
  pages.hold(page, two);
  walk(pages, 20_000, page.end + 1);
  await pool.settle();
  t.equal(pages.find(20_000), undefined, 'nobody new comes to it');
  t.ok(memory.used > used, 'its memory is still taken');
  pages.release(page, one);
  await pool.settle();
  t.equal(digitsIn(page, 20_000), `${fibonacciPair(20_000)[0]}`, 'the last reader still finds its digits');
  pages.release(page, two);
  await pool.settle();
  t.equal(memory.used, used);
});

t.test('while memory is short, readers that stand still are cut, and those that move are not', async (t) => {
  const { pages, pool, memory } = setUp(t, 4 * MIB);
  let index = 200_000;
  pages.moveTo(index);
  await pool.settle();
  const held: { page: Page; by: ReturnType<typeof reader> }[] = [];
  while (pages.find(index)) {
    const page = pages.find(index) as Page;
    const by = reader();
    held.push({ page, by });
    pages.hold(page, by);
    index = page.end + 1;
    pages.moveTo(index);
    await pool.settle();
    t.ok(memory.used <= memory.bytes);
    if (held.length > 100) break;
  }
  t.ok(held.length < 100, 'the bound holds');
  const moving = held[0] as (typeof held)[number];
  const keepMoving = setInterval(() => Object.assign(moving.by, { progressAt: performance.now() }), 20);
  t.teardown(() => clearInterval(keepMoving));
  for (const { page, by } of held.slice(1)) {
    by.cut = () => {
      by.cuts += 1;
      pages.release(page, by);
    };
  }
  while (!pages.find(index)) {
    await pool.settle();
    await new Promise((done) => setTimeout(done, 5));
  }
  t.equal(moving.by.cuts, 0);
  t.ok(held.slice(1).some(({ by }) => by.cuts === 1));
});

t.test('far away is a new start, near is not, and a page of the old chain is dropped', async (t) => {
  const { pages, pool, memory, digits } = setUp(t);
  pages.moveTo(100);
  await pool.step();
  t.ok(pool.busy, 'a page of the old chain is under way');
  pages.moveTo(500_000);
  await pool.settle();
  t.equal(pool.tasks.filter(({ from }) => typeof from === 'number').length, 2);
  t.equal(digits(500_000), `${fibonacciPair(500_000)[0]}`);
  t.equal(pages.find(100), undefined);
  pages.moveTo(100);
  await pool.settle();
  t.equal(digits(100), `${fibonacciPair(100)[0]}`, 'and back');
  t.ok(memory.used < 8 * MIB, 'nothing of the others is left');
});

t.test(
  'where a turn passes many terms, more of them are kept ahead, and a quarter of the memory is left',
  async (t) => {
    const { pages, pool, memory } = setUp(t, 16 * MIB);
    const ahead = () => {
      let index = position;
      for (let page = pages.find(index); page; page = pages.find(index)) index = page.end;
      return index - position;
    };
    let position = 100_000;
    pages.moveTo(position);
    await pool.settle();
    const few = ahead();
    for (let turn = 0; turn < 3; turn++) {
      position += 50;
      pages.moveTo(position);
      await pool.settle();
    }
    t.ok(few < 200 && ahead() >= 200, `${few} terms ahead, then ${ahead()}`);
    for (let turn = 0; turn < 3; turn++) {
      position += 300;
      pages.moveTo(position);
      await pool.settle();
    }
    t.ok(memory.used > 8 * MIB && memory.used <= 12 * MIB, `${memory.used} bytes`);
  },
);

t.test('nobody who waits is left behind when the first page fails and the position moves on', async (t) => {
  const { pages, pool } = setUp(t);
  const good = pool.render.bind(pool);
  let left = 1;
  pool.render = (task) => (left-- > 0 ? Promise.reject(new Error('the thread died')) : good(task));
  pages.moveTo(1_000);
  const heard: number[] = [];
  for (let index = 1_001; index <= 1_005; index++) {
    pages.wait(index, performance.now(), (page) => {
      if (page?.has(index)) heard.push(index);
    });
    pages.moveTo(index);
  }
  for (let turn = 0; turn < 5; turn++) await pool.step();
  t.strictSame(heard, [1_001, 1_002, 1_003, 1_004, 1_005]);
});

t.test('a leap while a page of the old chain is under way leaves nobody behind', async (t) => {
  const { pages, pool } = setUp(t);
  pages.moveTo(0);
  await pool.step();
  t.ok(pool.busy);
  pages.moveTo(300_000);
  const heard: number[] = [];
  for (let index = 300_001; index <= 300_100; index++) {
    pages.wait(index, performance.now(), (page) => {
      if (page?.has(index)) heard.push(index);
    });
  }
  pages.moveTo(300_100);
  await pool.settle();
  t.equal(heard.length, 100);
});

t.test('a position that moves back is reached although there is always somebody who waits', async (t) => {
  const { pages, pool, digits } = setUp(t);
  pages.moveTo(300_000);
  await pool.settle();
  for (let index = 1_001; index <= 1_100; index++) {
    pages.wait(index, performance.now(), () => {});
    pages.moveTo(index);
    await pool.step();
  }
  t.equal(digits(1_100), `${fibonacciPair(1_100)[0]}`);
});

t.test('who waits for a term a little further on gets it before the chain is left', async (t) => {
  const { pages, pool, digits } = setUp(t);
  pages.moveTo(300_000);
  await pool.settle();
  let index = 300_000;
  for (let page = pages.find(index); page; page = pages.find(index)) index = page.end;
  index += (pages.find(300_000) as Page).count;
  const heard = new Promise<Page | undefined>((resolve) => pages.wait(index, performance.now(), resolve));
  pages.moveTo(1_000);
  await pool.settle();
  t.ok((await heard)?.has(index));
  pages.moveTo(1_000);
  await pool.settle();
  t.equal(digits(1_000), `${fibonacciPair(1_000)[0]}`);
});

t.test(
  'who waits for a page gets it before the position passes it, also while the next ones are rendered',
  async (t) => {
    const { pages, pool } = setUp(t);
    pages.moveTo(300_000);
    await pool.settle();
    let end = 300_000;
    for (let page = pages.find(end); page; page = pages.find(end)) end = page.end;
    pages.moveTo(end - 1);
    const task = pool.tasks.at(-1) as RenderTask;
    t.ok(pool.busy && task.regions.length > 1);
    let heard = false;
    pages.wait(end, performance.now(), (page) => {
      heard = page?.has(end) ?? false;
    });
    // The thread has told of its first page, and goes on.
    const [region] = task.regions as [RenderTask['regions'][number]];
    render({ ...task, regions: [region] }, createDecimalKernel(pool.memory), pool.memory);
    t.ok(pages.find(end), 'one who comes later finds it');
    t.ok(heard);
  },
);

t.test('terms for which there can be no room are an error, and not a wait without end', async (t) => {
  const { pages, pool, failures } = setUp(t, 4 * MIB);
  pages.moveTo(12_000_000);
  await pool.settle();
  t.match(failures, [{ message: /no room for terms of index 11999999/ }]);
});

t.test('a task that fails is given again; the third failure in a row is final', async (t) => {
  const { pages, pool, failures, digits } = setUp(t);
  const good = pool.render.bind(pool);
  let left = 2;
  pool.render = (task) => (left-- > 0 ? Promise.reject(new Error('the thread died')) : good(task));
  pages.moveTo(5);
  for (let turn = 0; turn < 10; turn++) await pool.step();
  t.equal(digits(5), '5');
  t.strictSame(failures, []);
  left = Number.POSITIVE_INFINITY;
  pages.moveTo((pages.find(5) as Page).end + 1);
  for (let turn = 0; turn < 10; turn++) await pool.step();
  t.equal(failures.length, 1);
  t.match(failures[0], { message: 'the thread died' });
});

/** Threads of piscina, with the options of Node that they get. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { POOL_EXEC_ARGV } from '../../../src/runtime/pool-threads.js';

const REQUIRES = `
  let code = 'it was loaded';
  try {
    require(process.env.MODULE);
  } catch (error) {
    code = error.code;
  }
  require('node:worker_threads').parentPort.postMessage(code);
`;

t.test('a thread of a pool never loads an ES module by require, which could abort the process', async (t) => {
  const env = { MODULE: new URL('../../../src/errors.js', import.meta.url).pathname };
  const thread = new Worker(REQUIRES, { eval: true, env, execArgv: [...POOL_EXEC_ARGV] });
  const [code] = await once(thread, 'message');
  t.equal(code, 'ERR_REQUIRE_ESM');
});

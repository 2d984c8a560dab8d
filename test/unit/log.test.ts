/** What a line of the log looks like, to a machine and to a person. */
import { Writable } from 'node:stream';
import t from 'tap';
import { createLog } from '../../src/log.js';

async function written(terminal: boolean): Promise<string> {
  let text = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const log = await createLog({ level: 'info', terminal }, sink);
  log.debug('too detailed');
  log.info({ port: 8080 }, 'listening');
  await new Promise((done) => setImmediate(done));
  return text;
}

t.test('a machine reads one JSON object per line', async (t) => {
  const text = await written(false);
  t.ok(text.endsWith('\n'));
  const line = JSON.parse(text);
  t.match(line, { level: 30, port: 8080, msg: 'listening' });
  t.equal(new Date(line.time).toISOString(), line.time);
});

t.test('a person reads a line in words', async (t) => {
  const text = await written(true);
  t.match(text, /INFO.*listening.*8080/);
  t.throws(() => JSON.parse(text));
});

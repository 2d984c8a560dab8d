/** The one table of problems, and what an error keeps. */
import t from 'tap';
import { messageOf, PROBLEMS, WarrenError } from '../../src/errors.js';

t.test('every problem has a status of an error and a title of its own', async (t) => {
  const problems = Object.entries(PROBLEMS);
  for (const [code, { status }] of problems) t.ok(status >= 400 && status <= 504, `${code}: ${status}`);
  t.equal(new Set(problems.map(([, { title }]) => title)).size, problems.length);
});

t.test('an error keeps its code and its cause', async (t) => {
  const cause = new Error('ECONNREFUSED');
  const error = new WarrenError('store-unreachable', 'Redis: gone', { cause });
  t.match(error, { name: 'WarrenError', code: 'store-unreachable', message: 'Redis: gone' });
  t.equal(error.cause, cause);
});

t.test('anything that can be thrown has a text', async (t) => {
  t.equal(messageOf(new Error('plain')), 'plain');
  t.equal(messageOf('a string'), 'a string');
  t.equal(messageOf(undefined), 'undefined');
  t.equal(messageOf(new TypeError()), 'TypeError');
  t.equal(messageOf(Object.create(null)), 'something that has no text');
  const odd = Object.assign(new Error('odd'), { message: { toString: () => ({}) } });
  t.equal(messageOf(odd), 'something that has no text');
  // What a connection to a name with several addresses fails with: its own message is empty.
  t.equal(messageOf(new AggregateError([new Error('::1'), new Error('127.0.0.1')])), '::1; 127.0.0.1');
});

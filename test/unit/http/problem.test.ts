/** Problem details as they leave, for every problem there is. */
import t from 'tap';
import { PROBLEMS, type ProblemCode } from '../../../src/errors.js';
import { isRetryable, problemBody, statusLine } from '../../../src/http/problem.js';

t.test('every problem has a status line of HTTP and says the same in its body', async (t) => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const { status, title } = PROBLEMS[code];
    t.match(statusLine(code), new RegExp(`^${status} [A-Z][A-Za-z ]+$`));
    t.strictSame(JSON.parse(problemBody(code, 'an-id', 'a detail')), {
      type: `urn:warren:problem:${code}`,
      title,
      status,
      code,
      detail: 'a detail',
      requestId: 'an-id',
    });
  }
});

t.test('what there is nothing to say of is left out', async (t) => {
  t.strictSame(Object.keys(JSON.parse(problemBody('internal'))), ['type', 'title', 'status', 'code']);
});

t.test('only what comes with 503 asks to come again', async (t) => {
  const retryable = (Object.keys(PROBLEMS) as ProblemCode[]).filter(isRetryable);
  t.strictSame(retryable.sort(), [
    'idempotency-full',
    'mailbox-full',
    'not-ready',
    'shutting-down',
    'standby',
    'store-unavailable',
  ]);
});

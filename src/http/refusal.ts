/**
 * Gives answers that close their connection, after uWebSockets.js has parsed what it has read. If such an answer were given within the handler, the parser would
 * go on with the bytes behind the request, which may be another request or the rest of a body.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { ProblemCode } from '../errors.js';
import { PROBLEM_TYPE, problemBody, statusLine } from './problem.js';

/** Calls `answer` unless the connection is gone by then. */
export function afterParsing(res: HttpResponse, answer: () => void): void {
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  setImmediate(() => {
    if (!gone) answer();
  });
}

/**
 * Writes a problem and closes the connection, whether its client has read what it was sent or not. The library's own way to end an
 * answer keeps a connection whose client reads slowly, and goes on with its next request. So for the library this one stays unanswered:
 * all of it is written as headers, the body behind the last one.
 */
export function refuseAndClose(
  res: HttpResponse,
  code: ProblemCode,
  withBody: boolean,
  requestId: string,
  cors: string,
  detail: string | undefined,
): void {
  // The library ends each header with a line end, which counts as the last of the body.
  const body = `${problemBody(code, requestId, detail)}\r\n`;
  res.cork(() => {
    res.writeStatus(statusLine(code));
    res.writeHeader('Content-Type', `${PROBLEM_TYPE}\r\nCache-Control: no-store${cors}`);
    res.writeHeader('X-Request-Id', requestId);
    res.writeHeader('Connection', 'close');
    res.writeHeader('Content-Length', `${body.length}\r\n${withBody ? `\r\n${body.slice(0, -2)}` : ''}`);
  });
  res.close();
}

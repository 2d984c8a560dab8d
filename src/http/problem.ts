/** Body and status line of problem details (RFC 9457), the form of every answer that is neither a reply nor a refusal. */
import { STATUS_CODES } from 'node:http';
import { PROBLEMS, type ProblemCode } from '../errors.js';

export const PROBLEM_TYPE = 'application/problem+json';

export function statusLine(code: ProblemCode): string {
  const { status } = PROBLEMS[code];
  return `${status} ${STATUS_CODES[status]}`;
}

/** `code` and `requestId` are extension members: the stable name to match on, and what to look for in the log. */
export function problemBody(
  code: ProblemCode,
  requestId?: string,
  detail?: string,
  more: object = {},
): string {
  const { status, title } = PROBLEMS[code];
  return JSON.stringify({
    type: `urn:warren:problem:${code}`,
    title,
    status,
    code,
    detail,
    requestId,
    ...more,
  });
}

/** Whether the same request can be sent again as it is, after a while. */
export function isRetryable(code: ProblemCode): boolean {
  return PROBLEMS[code].status === 503;
}

/** The id of a request, which connects a client's problem with a line of the log. */
import { randomUUID } from 'node:crypto';

const FIT = /^[\x21-\x7e]{1,128}$/;

/** The client's own id when it fits into a header and a line of log, else a new one. */
export function requestIdOf(clientsId: string): string {
  return FIT.test(clientsId) ? clientsId : randomUUID();
}

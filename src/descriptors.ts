/**
 * Computes how many connections fit into the process' limit of open files (`ulimit -n`). A process that has used up the limit cannot accept connections, and
 * its event loop would try again without end. It could not start a thread, reach its store or read a file either. So the number of connections is
 * kept below the limit.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** For threads that are started later, for the store, and for files that are opened for a moment. */
const RESERVE = 64;
const ADMIN_MOST = 128;
const ADMIN_SHARE = 1 / 4;

export interface ConnectionLimits {
  readonly serving: number;
  readonly admin: number;
}

/**
 * To be called when all that stays open is open. At least one connection each is allowed, whatever the limit.
 *
 * @param open descriptors that are in use.
 * @param limit of the process.
 */
export function connectionLimits(limit = openFilesLimit(), open = openFiles()): ConnectionLimits {
  const room = Math.max(0, limit - open - RESERVE);
  const admin = Math.max(1, Math.min(ADMIN_MOST, Math.floor(room * ADMIN_SHARE)));
  return { serving: Math.max(1, room - admin), admin };
}

/** Node raises the soft limit to the hard one when it starts. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

/** PostgreSQL as Debian installs it, with a cluster of its own in a folder. It refuses to run as root, so root lends it another user. */
import { execFileSync } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ChildSpec } from '../../test/support/child-handle.js';

export interface PostgresTools {
  /** Makes an empty cluster in the folder, whose user is `race`. */
  readonly createCluster: (folder: string) => Promise<void>;
  /** A server that listens on a socket in the folder only. Its settings are the defaults, so each commit is synced. */
  readonly serverCommand: (folder: string) => ChildSpec;
}

const DEBIAN = '/usr/lib/postgresql';

/** Undefined where it is not installed. */
export function postgresTools(): PostgresTools | undefined {
  const bin = binFolder();
  const user = otherUser();
  if (bin === undefined || user === undefined) return undefined;
  const as =
    user === 'self' ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const command = (name: string, ...args: readonly string[]) => {
    const [first = '', ...rest] = [...as, `${bin}/${name}`, ...args];
    return { command: first, args: rest };
  };
  return {
    async createCluster(folder) {
      if (user !== 'self') await chown(folder, user.uid, user.gid);
      const initdb = command(
        'initdb',
        '-D',
        `${folder}/cluster`,
        '-U',
        'race',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--no-locale',
      );
      execFileSync(initdb.command, initdb.args, { stdio: 'ignore', cwd: folder });
    },
    serverCommand: (folder) => ({
      ...command('postgres', '-D', `${folder}/cluster`, '-k', folder, '-c', 'listen_addresses='),
      env: {},
      cwd: folder,
    }),
  };
}

function binFolder(): string | undefined {
  const known = [
    () => dirname(realpathSync(execFileSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' }).trim())),
    () =>
      readdirSync(DEBIAN)
        .map((version) => `${DEBIAN}/${version}/bin`)
        .at(-1),
  ];
  for (const find of known) {
    try {
      const folder = find();
      if (folder !== undefined) return folder;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

function otherUser(): 'self' | { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return 'self';
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user.
    }
  }
  return undefined;
}

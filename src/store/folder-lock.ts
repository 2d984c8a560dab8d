/**
 * Keeps a second process away from a data folder. The lock is a Unix socket bound in the folder: whoever can
 * connect to it knows that the holder lives, and it dies with the holder's process, however that ends. Seen from
 * other containers that share the folder, too, since such sockets belong to the file system and not to a network.
 *
 * Two processes that find a dead lock in the same instant may both pass. That costs a clear exit later and never a
 * number: commits are compare-and-set, so one of them learns with its first commit that it is not alone.
 */
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { WarrenError } from '../errors.js';

const FILE = 'owner.sock';
/** What a socket address holds on every system; a longer one would be cut off, and bound somewhere else. */
const MAX_ADDRESS_BYTES = 103;
/** Only these prove that nobody is there; a holder whose line of callers is full refuses, too, but lives. */
const DEAD = ['ECONNREFUSED', 'ENOENT'];

interface Address {
  readonly path: string;
  /** Open for as long as the path is used. */
  readonly descriptor?: number;
}

export class FolderLock {
  readonly #server: Server;
  readonly #address: Address;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.#address = address;
  }

  /** @throws WarrenError `folder-in-use` when another process holds the folder. */
  static async acquire(folder: string): Promise<FolderLock> {
    mkdirSync(folder, { recursive: true });
    const address = addressIn(folder);
    try {
      return new FolderLock(await bindAlone(address.path, folder), address);
    } catch (error) {
      forget(address);
      throw error;
    }
  }

  async release(): Promise<void> {
    await new Promise((done) => this.#server.close(done));
    forget(this.#address);
  }
}

async function bindAlone(path: string, folder: string): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await bind(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (attempt === 3 || (await answers(path))) {
        throw new WarrenError('folder-in-use', `another process serves from ${folder}; it must stop first`);
      }
      rmSync(path, { force: true });
    }
  }
}

/** The shortest spelling of the socket's path; Linux has one for any folder, by way of an open descriptor. */
function addressIn(folder: string): Address {
  const path = join(folder, FILE);
  const near = relative(process.cwd(), path);
  const shortest = near.length < path.length ? near : path;
  if (Buffer.byteLength(shortest) <= MAX_ADDRESS_BYTES || process.platform !== 'linux')
    return { path: shortest };
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${descriptor}/${FILE}`, descriptor };
}

function forget({ descriptor }: Address): void {
  if (descriptor !== undefined) closeSync(descriptor);
}

function bind(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', (error: NodeJS.ErrnoException) => resolve(!DEAD.includes(error.code ?? '')));
  });
}

/** A folder that exists as long as its command runs. It is removed when the command ends, also by a signal. */
import { mkdirSync, rmSync } from 'node:fs';
import { messageOf } from '../errors.js';
import { CommandFailed } from './usage.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** As a shell counts: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** @param folder made here; its parent must exist. */
export async function withTemporary<T>(folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const leave = (signal: (typeof SIGNALS)[number]) => {
    remove();
    process.exit(EXIT_CODES[signal]);
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    make(folder);
    return await use(folder);
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    remove();
  }
}

function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw new CommandFailed(`${folder} cannot be made: ${messageOf(error)}`);
  }
}

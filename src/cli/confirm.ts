/** Asks the user before a command does something that cannot be undone. */
import { createInterface } from 'node:readline/promises';
import { CommandFailed, EXIT_USAGE } from './usage.js';

/** @throws CommandFailed when the user declines, or when there is no terminal to ask on and `--yes` is not given. */
export async function confirm(what: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandFailed(`${what}\nThere is no terminal to ask on. Use --yes to confirm.`, EXIT_USAGE);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${what}\nGo on? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailed('Nothing was done.');
}

/** The program `warren` as a child process that runs to its end. */
import { fileURLToPath } from 'node:url';
import { ChildHandle, type Scope } from './child-handle.js';

const ENTRY = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

export async function runCli(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const child = await ChildHandle.spawn({
    command: process.execPath,
    args: [ENTRY, ...args],
    env: { SHARDS: '1', ...env },
  });
  scope.teardown(async () => {
    await child.end();
  });
  const { code } = await child.exited;
  return { code, output: child.output };
}

/** An error that ends a command with a sentence for its user and an exit code, instead of a stack. */

/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
/** The command was understood and could not be done. */
export const EXIT_FAILED = 1;

/** What `--if` has said is not so. */
export const EXIT_CHANGED = 3;

export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_FAILED) {
    super(message);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}

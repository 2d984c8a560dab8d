/** Creates the log: JSON lines, or the same events in colour when standard output is a terminal. */
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';
import { LogOutput } from './log-output.js';

export interface LogOptions {
  readonly level: LevelWithSilent;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
}

const WARN = 40;

/** @param to by default standard output, from which nothing is ever waited for. */
export async function createLog({ level, terminal }: LogOptions, to?: DestinationStream): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const format = terminal ? await prettyFormat() : (line: string) => line;
  const output = to ?? standardOutput(format);
  return pino(options, {
    write: (line: string) => output.write(format(line)),
    flushSync: () => 'flushSync' in output && (output as LogOutput).flushSync(),
  } as DestinationStream);
}

function standardOutput(format: (line: string) => string): LogOutput {
  const output = new LogOutput(1, (count) => {
    const line = { level: WARN, time: new Date().toISOString(), count, msg: 'log lines were lost' };
    return format(`${JSON.stringify(line)}\n`);
  });
  process.on('exit', () => output.flushSync());
  return output;
}

/** Loaded for terminals only. */
async function prettyFormat(): Promise<(line: string) => string> {
  const { prettyFactory } = (await import('pino-pretty')).default;
  return prettyFactory({ colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' });
}

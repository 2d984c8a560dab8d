/** The log: JSON lines for machines, and the same events in colour when a terminal reads along. */
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';

export interface LogOptions {
  readonly level: LevelWithSilent;
  /** Whether a person reads. */
  readonly terminal: boolean;
}

export async function createLog({ level, terminal }: LogOptions, to?: DestinationStream): Promise<Logger> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // In sync, here and below: an exit right after the last words would let them overtake, or lose, those before.
  if (!terminal) return pino(options, to ?? pino.destination({ dest: 1, sync: true }));
  // Loaded only here: nobody else needs it.
  const { default: pretty } = await import('pino-pretty');
  const style = { colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' };
  return pino(options, pretty({ ...style, sync: true, ...(to ? { destination: to } : {}) }));
}

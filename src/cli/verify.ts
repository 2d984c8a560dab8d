/** `warren verify`: loads a running deployment, checks what its clients saw, and prints the verdict for a person or as JSON. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.js';
import type { Distribution } from '../meter/histogram.js';
import { counter, sequence } from '../verify/subject.js';
import { passed, runTrial, type Trial } from '../verify/trial.js';
import { confirm } from './confirm.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

export const VERIFY_USAGE = `usage: warren verify URL [options]

Loads a running deployment with concurrent requests to /next, /current and /previous, and checks what the clients saw: it is linearizable, or the
command prints a counterexample. The load advances the sequence by some thousands of numbers per second.

With --counter it loads a command of an actor instead. The command must reply with a number that grows by one, such as
--counter /counter/berlin/add, or --counter /tickets/berlin/take --body '{"seats": 1}' --member from.

  --counter PATH the command: POST to this path takes the next number
  --body JSON    the input of the command (none)
  --member NAME  the member of the reply that is the number (the reply is the number)
  --seconds N    length of the load (5)
  --clients N    concurrent clients (32)
  --seed N       of the clients' requests (random)
  --shared       other clients use it, too: numbers that they take are not gaps
  --json         the result as one line of JSON
  --yes          do not ask

Credentials: user and password in the URL, or a bearer token in the environment variable WARREN_BEARER_TOKEN. They are sent with each request and never
printed.

The check works in windows. Each window ends when no request is under way, so a long run takes no more memory than a short one.

Exit code 0: linearizable; 1: not, or no verdict.`;

const BAR_CELLS = 24;
const PROGRESS_MS = 100;
const HISTOGRAM_CELLS = 32;

export async function verify(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const options = read(args, environment['WARREN_BEARER_TOKEN'] ?? '');
  await confirm(
    `This advances the ${options.what} at ${options.url}; the numbers handed out are gone.`,
    options.yes,
  );
  const progress = new Progress(options);
  let trial: Trial;
  try {
    trial = await runTrial({ ...options, onOperation: () => progress.count() });
  } catch (error) {
    throw new CommandFailed(`No verdict: ${messageOf(error)}`);
  } finally {
    progress.end();
  }
  console.log(options.json ? asJson(trial) : asText(trial, options));
  return passed(trial) ? 0 : 1;
}

type Options = ReturnType<typeof read>;

function read(args: readonly string[], bearerToken: string) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '5' },
      clients: { type: 'string', default: '32' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      shared: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      counter: { type: 'string' },
      body: { type: 'string' },
      member: { type: 'string' },
    },
  });
  const [url = '', ...others] = positionals;
  if (others.length > 0 || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new CommandFailed('verify needs one address, such as http://localhost:8080', EXIT_USAGE);
  }
  const address = new URL(url);
  const headers = credentials(address, bearerToken);
  address.username = '';
  address.password = '';
  return {
    url: address.href.replace(/\/$/, ''),
    headers,
    durationMs: numberIn('seconds', values.seconds, 3600) * 1000,
    clients: numberIn('clients', values.clients, 4096),
    seed: numberIn('seed', values.seed, 2 ** 31),
    shared: values.shared,
    json: values.json,
    yes: values.yes,
    ...subjectOf(values),
  };
}

function subjectOf({ counter: path, body, member }: { counter?: string; body?: string; member?: string }) {
  if (path === undefined) {
    if (body === undefined && member === undefined) return { what: 'sequence', subject: sequence() };
    throw new CommandFailed('--body and --member belong to --counter', EXIT_USAGE);
  }
  if (!/^\/[\x21-\x7e]+$/.test(path)) {
    throw new CommandFailed('--counter needs a path, such as /counter/berlin/add', EXIT_USAGE);
  }
  if (body !== undefined && !isJson(body)) throw new CommandFailed('--body must be JSON', EXIT_USAGE);
  return { what: `counter ${path}`, subject: counter({ path, body, member }) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is sent as `Authorization`, if anything. */
function credentials({ username, password }: URL, bearerToken: string): Readonly<Record<string, string>> {
  if (username === '' && password === '') {
    return bearerToken === '' ? {} : { authorization: `Bearer ${bearerToken}` };
  }
  if (bearerToken !== '') {
    throw new CommandFailed('Credentials are in the URL and in WARREN_BEARER_TOKEN: which?', EXIT_USAGE);
  }
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  } catch {
    throw new CommandFailed('the credentials in the URL must be percent-encoded', EXIT_USAGE);
  }
}

function numberIn(name: string, text: string, most: number): number {
  const value = Number(text);
  const fits = /^\d+$/.test(text) && value <= most && (value > 0 || name === 'seed');
  if (!fits) throw new CommandFailed(`--${name} must be an integer from 1 to ${most}`, EXIT_USAGE);
  return value;
}

/** A bar on standard error, where one is there to see it. */
class Progress {
  readonly #options: Options;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #operations = 0;

  constructor(options: Options) {
    this.#options = options;
    if (process.stderr.isTTY) this.#timer = setInterval(() => this.#draw(), PROGRESS_MS);
  }

  count(): void {
    this.#operations += 1;
  }

  end(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    process.stderr.write('\r\x1b[K');
  }

  #draw(): void {
    const elapsed = performance.now() - this.#startedAt;
    const share = Math.min(1, elapsed / this.#options.durationMs);
    const full = Math.round(share * BAR_CELLS);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
    const rate = Math.round(this.#operations / (elapsed / 1000));
    process.stderr.write(`\r\x1b[K${bar} ${(elapsed / 1000).toFixed(1)} s  ${group(rate)} requests/s`);
  }
}

function asText(trial: Trial, { url, clients, seed, shared, what }: Options): string {
  const { operations, elapsedMs, latency, firstIndex, lastIndex, answers } = trial;
  const others = [...answers].filter(([answer]) => answer !== '200');
  const [counted, from] = what === 'sequence' ? ['sequence', 'from index'] : ['counter', 'from'];
  const rows = [
    ['deployment', `${url}, ${clients} clients for ${(elapsedMs / 1000).toFixed(1)} s, seed ${seed}`],
    [counted, `${from} ${group(firstIndex)} to ${lastIndex === undefined ? '?' : group(lastIndex)}`],
    ['requests', `${group(operations)}, ${group(Math.round(operations / (elapsedMs / 1000)))} a second`],
    ['answers', [...answers].map(([answer, count]) => `${group(count)} × ${answer}`).join(', ')],
    ['latency', quantiles(latency)],
  ] as const;
  const table = rows.map(([name, text]) => `${name.padEnd(11)} ${text}`).join('\n');
  const note =
    others.length > 0 ? '\nWhat was not answered with 200 is judged, too: as failed, or as unknown.' : '';
  const unread =
    lastIndex === undefined ? '\nWhere it stands in the end could not be read: it is judged without.' : '';
  return `${verdictText(trial, shared)}\n\n${table}\n\n${histogram(latency)}${note}${unread}`;
}

function verdictText(trial: Trial, shared: boolean): string {
  const { verdict, complaints } = trial;
  if (!verdict.ok) {
    const { kind, message } = verdict.violation;
    const hint =
      kind === 'gap' && !shared
        ? '\nIf other clients were at work meanwhile, this says nothing: try again with --shared.'
        : '';
    return `NOT LINEARIZABLE: ${kind}\n${message}${hint}`;
  }
  if (complaints.length > 0) return ['WRONG ANSWERS', ...complaints.slice(0, 5)].join('\n');
  const { nexts, reads, gaps } = verdict.stats;
  const explained = gaps > 0 ? `, ${group(gaps)} missing and explained` : ', none missing';
  const read = reads > 0 ? `; ${group(reads)} reads agree` : '';
  return `LINEARIZABLE: ${group(nexts)} numbers in one order${explained}${read}`;
}

function asJson(trial: Trial): string {
  const { latency, answers, ...rest } = trial;
  return JSON.stringify({
    passed: passed(trial),
    ...rest,
    answers: Object.fromEntries(answers),
    latencyMs: {
      mean: latency.mean,
      p50: latency.quantile(0.5),
      p90: latency.quantile(0.9),
      p99: latency.quantile(0.99),
    },
  });
}

function quantiles(latency: Distribution): string {
  return [0.5, 0.9, 0.99, 0.999]
    .map((share) => `p${String(share * 100)} ${milliseconds(latency.quantile(share))}`)
    .join('   ');
}

/** One row per half octave, from the first that is not empty to the last. */
function histogram(latency: Distribution): string {
  const rows: { bound: number; count: number }[] = [];
  for (let bucket = 0; bucket < latency.counts.length; bucket += 2) {
    const bound = Math.min(bucket + 1, latency.counts.length - 1);
    rows.push({
      bound: latency.bound(bound),
      count: latency.counts.slice(bucket, bucket + 2).reduce((a, b) => a + b),
    });
  }
  const first = rows.findIndex(({ count }) => count > 0);
  const last = rows.findLastIndex(({ count }) => count > 0);
  const most = Math.max(...rows.map(({ count }) => count));
  return rows
    .slice(first, last + 1)
    .map(({ bound, count }) => {
      const bar = '█'.repeat(Math.ceil((count / most) * HISTOGRAM_CELLS));
      return `  up to ${milliseconds(bound).padStart(9)} ${bar.padEnd(HISTOGRAM_CELLS)} ${group(count)}`;
    })
    .join('\n');
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return Number.isFinite(ms) ? `${ms.toPrecision(ms < 100 ? 2 : 3)} ms` : 'longer';
}

function group(count: number): string {
  return count.toLocaleString('en-US');
}

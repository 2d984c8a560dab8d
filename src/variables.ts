/**
 * The environment variables, with their defaults as an operator would write them: the table that `--help` prints and the
 * README repeats. What values are good, and what becomes of them: `config.ts`.
 */
import { DEFAULT_KEY } from './store/redis/redis-keys.js';

export interface Variable {
  readonly name: string;
  readonly fallback: string;
  readonly meaning: string;
}

export const VARIABLES = [
  {
    name: 'ACTORS',
    fallback: 'fibonacci',
    meaning: 'modules of actors, separated by commas, or fibonacci; warren serve FILE… sets it',
  },
  {
    name: 'SERVING_HOST_PORT',
    fallback: '0.0.0.0:8080',
    meaning: 'address to serve on; port 0 takes a free one',
  },
  {
    name: 'ADMIN_HOST_PORT',
    fallback: '127.0.0.1:9090',
    meaning: 'address of the live page and /metrics; empty for none',
  },
  {
    name: 'ADMIN_TOKEN',
    fallback: '',
    meaning: 'what the admin address asks for; required unless that is a loopback address',
  },
  {
    name: 'CORS_ORIGIN',
    fallback: '',
    meaning:
      'origins whose pages may read answers in a browser, separated by commas; * for any, by default none',
  },
  {
    name: 'STORE',
    fallback: '',
    meaning: 'level, redis or memory; by default redis when a REDIS_ address is set, else level',
  },
  { name: 'DATA_DIR', fallback: './data', meaning: 'folder of the level store' },
  {
    name: 'REDIS_URL',
    fallback: '',
    meaning: 'redis:// or rediss:// address, with credentials and a database number as needed',
  },
  {
    name: 'REDIS_HOST_PORT',
    fallback: '',
    meaning:
      'Redis address without credentials, used when REDIS_URL is not set; 127.0.0.1:6379 with STORE=redis alone',
  },
  { name: 'REDIS_KEY', fallback: DEFAULT_KEY, meaning: 'Redis key of the checkpoint' },
  {
    name: 'INSTANCE_ID',
    fallback: '',
    meaning: 'who this process is to others on the same Redis; by default host name and port',
  },
  {
    name: 'LEASE_MS',
    fallback: '3000',
    meaning: 'time without a commit after which another instance on the same Redis takes over',
  },
  {
    name: 'DURABILITY',
    fallback: 'gated',
    meaning: 'gated: a reply waits for its commit; async: the checkpoint follows the replies',
  },
  { name: 'INITIAL_INDEX', fallback: '0', meaning: 'index at which a fresh sequence starts' },
  { name: 'MAX_INDEX', fallback: '20000000', meaning: 'last index handed out' },
  {
    name: 'MAILBOX_LIMIT',
    fallback: '16384',
    meaning: 'requests that may wait for the owner; one more is answered 503',
  },
  {
    name: 'CONNECTION_LIMIT',
    fallback: '0',
    meaning: 'open connections; one more is closed at once; 0: as many as the limit of open files leaves',
  },
  {
    name: 'SHED_AFTER_MS',
    fallback: '1000',
    meaning: 'while the oldest request has waited longer than this, new ones are answered 503',
  },
  { name: 'ASK_TIMEOUT_MS', fallback: '5000', meaning: 'time until a request without an answer gets 504' },
  {
    name: 'COMMIT_TIMEOUT_MS',
    fallback: '1000',
    meaning: 'time until a commit without an answer counts as unknown',
  },
  {
    name: 'STORE_GRACE_MS',
    fallback: '1000',
    meaning: 'time for which requests are held when the store goes away',
  },
  { name: 'REDIS_PREFIX', fallback: 'warren', meaning: 'how the Redis keys of actors begin' },
  {
    name: 'SERVING_TOKEN',
    fallback: '',
    meaning: 'bearer token that actors ask for, on every path but /health and /ready',
  },
  { name: 'BODY_LIMIT_KB', fallback: '64', meaning: 'largest body of a command' },
  { name: 'STATE_LIMIT_KB', fallback: '1024', meaning: 'largest state of an actor' },
  { name: 'REPLY_LIMIT_KB', fallback: '1024', meaning: 'largest reply of an actor' },
  {
    name: 'STATE_MEMORY_MB',
    fallback: '24',
    meaning: 'heap for states of actors; the least recently used leave it first',
  },
  {
    name: 'REPAIR_MEMORY_MB',
    fallback: '8',
    meaning: 'last changes that are kept, to be written again when Redis has lost them',
  },
  {
    name: 'FORMAT_THREADS',
    fallback: '2',
    meaning: 'threads that convert the first two numbers to decimal after a start at a large index: 1 or 2',
  },
  {
    name: 'FORMAT_TIMEOUT_MS',
    fallback: '120000',
    meaning: 'time until such a conversion counts as hung, and is tried again',
  },
  {
    name: 'UNSENT_MEMORY_MB',
    fallback: '64',
    meaning: 'memory for what slow clients have not read yet; past it the slowest is cut',
  },
  {
    name: 'SEND_TIMEOUT_MS',
    fallback: '10000',
    meaning: 'time for which a client may stop reading its answer',
  },
  {
    name: 'WATCHDOG_MS',
    fallback: '3000',
    meaning: 'time without a turn after which a thread counts as hung; 0 turns that off, as for a debugger',
  },
  {
    name: 'RESTART_LIMIT',
    fallback: '100',
    meaning: 'deaths of the owner thread tolerated within RESTART_WINDOW_MS',
  },
  { name: 'RESTART_WINDOW_MS', fallback: '10000', meaning: 'see RESTART_LIMIT' },
  { name: 'SHUTDOWN_TIMEOUT_MS', fallback: '8000', meaning: 'time for a clean stop' },
  { name: 'OWNER_HEAP_MB', fallback: '64', meaning: 'heap limit of the owner thread' },
  { name: 'FORMAT_HEAP_MB', fallback: '64', meaning: 'heap limit of a format thread' },
  {
    name: 'FAULTS',
    fallback: 'off',
    meaning: 'on: faults can be rehearsed from the live page, and SIGUSR2 ends the owner thread',
  },
  { name: 'LOG_LEVEL', fallback: 'info', meaning: 'trace, debug, info, warn, error, fatal or silent' },
] as const satisfies Variable[];

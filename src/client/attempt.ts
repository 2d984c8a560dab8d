/**
 * One HTTP request and its whole answer. An attempt is given up when no byte has come for a while, since a connection that was lost on the way may never
 * report it. An attempt without an answer says only whether the request may have reached a server.
 */

/** A whole answer. */
export interface Received {
  readonly response: Response;
  /** The text of its body. */
  readonly text: string;
}

/** No answer, or only a part of one. */
export interface Lost {
  readonly cause: unknown;
  /** The request may have arrived. */
  readonly sent: boolean;
}

/** The two arguments of `fetch`, made for each attempt. */
export interface HttpRequest {
  readonly url: string;
  readonly init: RequestInit;
}

export interface AttemptBounds {
  /** Longest pause between two parts of the answer, in milliseconds. */
  readonly silenceMs: number;
  /** Deadline, by `performance.now`. */
  readonly endsAt: number;
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined;
}

/** Error codes after which no connection was made. Browsers do not report them. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
/** The longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** @throws the reason of the caller's signal, and what `fetch` throws for a request that could never be sent. */
export async function attempt(
  send: typeof fetch,
  { url, init }: HttpRequest,
  { silenceMs, endsAt, signal }: AttemptBounds,
): Promise<Received | Lost> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const abort = () => ending.abort(signal?.reason);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const awaitSign = () => {
    clearTimeout(timer);
    const ms = Math.min(silenceMs, Math.max(endsAt - performance.now(), 0), LONGEST_MS);
    const giveUp = () => ending.abort(new Error(`nothing has come for ${Math.round(ms)} ms`));
    timer = setTimeout(giveUp, ms);
  };
  signal?.addEventListener('abort', abort);
  try {
    awaitSign();
    const response = await send(url, { ...init, signal: ending.signal });
    return { response, text: await textOf(response, awaitSign) };
  } catch (cause) {
    signal?.throwIfAborted();
    if (isWrong(url, init)) throw cause;
    return { cause, sent: !NEVER_SENT.has(codeOf(cause)) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function textOf(response: Response, onChunk: () => void): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return response.text();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    onChunk();
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
}

/** `fetch` throws the same for an address that cannot be read as for a connection that broke. */
function isWrong(url: string, init: RequestInit): boolean {
  try {
    new Request(url, init);
    return false;
  } catch {
    return true;
  }
}

function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}

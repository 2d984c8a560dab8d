/** Receives the reply to a `Service.ask` call of the same process, in the place where `ActorResponse` receives it for an HTTP client. */
import { AskError } from './ask-error.js';
import { parseExact } from './client/exact-json.js';
import type { ProblemCode } from './errors.js';
import type { Responder } from './runtime/front/request-queue.js';
import type { ReplyView } from './runtime/link/front-link.js';
import { JSON_REPLY, LINK_PROBLEMS, NO_REPLY, REFUSAL } from './runtime/link/reply-kind.js';

export class InProcessAsk implements Responder {
  readonly #resolve: (answer: unknown) => void;
  readonly #reject: (error: AskError) => void;

  constructor(resolve: (answer: unknown) => void, reject: (error: AskError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  reply({ kind, detail, ascii, offset, length }: ReplyView, bytes: Buffer): void {
    const text = length === 0 ? '' : bytes.toString(ascii ? 'latin1' : 'utf8', offset, offset + length);
    switch (kind) {
      case JSON_REPLY:
        this.#resolve({ ok: true, reply: parseExact(text) });
        return;
      case NO_REPLY:
        this.#resolve({ ok: true, reply: undefined });
        return;
      case REFUSAL: {
        const { code, details } = parseExact(`{${text}}`) as { code: string; details?: unknown };
        this.#resolve({ ok: false, refusal: { code, status: detail, details } });
        return;
      }
      default:
        this.#reject(new AskError(LINK_PROBLEMS[detail] ?? 'internal', text));
    }
  }

  refuse(code: ProblemCode): void {
    this.#reject(new AskError(code));
  }
}

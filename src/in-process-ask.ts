/** Turns the reply to a `Service.ask` call of this process into the result of its promise. For HTTP clients `ActorResponse` receives replies. */
import { AskError } from './ask-error.js';
import { parseExact } from './client/exact-json.js';
import type { ProblemCode } from './errors.js';
import type { Asker, ForwardedFacts } from './runtime/front/mailbox.js';
import type { ReplyView } from './runtime/link/front-link.js';
import { JSON_REPLY, LINK_PROBLEMS, NO_REPLY, REFUSAL } from './runtime/link/reply-kind.js';
import { REFUSAL_TYPE } from './runtime/refusal-body.js';

export class InProcessAsk implements Asker {
  readonly open = true;
  readonly facts: ForwardedFacts;
  readonly #resolve: (answer: unknown) => void;
  readonly #reject: (error: AskError) => void;

  /** @param query the input of a query, as in the path; empty for a command. */
  constructor(resolve: (answer: unknown) => void, reject: (error: AskError) => void, query: string) {
    this.facts = { requestId: '', idempotencyKey: undefined, query };
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

  relay(status: number, _: unknown, body: Buffer): void {
    const answer = status === 204 ? undefined : parseExact(body.toString());
    if (status < 400) {
      this.#resolve({ ok: true, reply: answer });
      return;
    }
    const { type, code, detail, details } = answer as Record<string, unknown>;
    if (type === REFUSAL_TYPE) this.#resolve({ ok: false, refusal: { code, status, details } });
    else this.#reject(new AskError(code as ProblemCode, typeof detail === 'string' ? detail : undefined));
  }

  /** Only requests of other nodes are misdirected. */
  misdirect(): void {
    this.#reject(new AskError('internal'));
  }
}

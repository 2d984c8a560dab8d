/** The library's service: connects settings, log and `ask` calls of the host process to a `Service`. It never ends the host process. */
import { readFileSync } from 'node:fs';
import { AskError } from './ask-error.js';
import { beginOwner } from './begin-owner.js';
import type { Answer } from './client/client-types.js';
import { searchOf } from './client/search.js';
import { readSettings, type Settings } from './config/settings.js';
import { type ErrorCode, messageOf, WarrenError } from './errors.js';
import { InProcessAsk } from './in-process-ask.js';
import { createLog } from './log.js';
import type { Message } from './runtime/definition.js';
import type { OwnerThreads } from './runtime/front/owner-threads.js';
import { textWithin } from './runtime/reply-text.js';
import { check } from './runtime/values.js';
import type { Service as ServedActors, ServeOptions } from './serve.js';
import { Service } from './service.js';

/** Largest key, in bytes of UTF-8. */
const KEY_LIMIT = 256;

const version: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** A message, and its number among those of all actors. */
interface Numbered {
  readonly message: Message;
  readonly number: number;
}

export class EmbeddedService implements ServedActors {
  readonly url: string;
  readonly #service: Service;
  readonly #threads: OwnerThreads;
  readonly #bodyLimit: number;
  /** Messages by "actor/message". */
  readonly #messages: ReadonlyMap<string, Numbered>;
  readonly #onExit = () => this.#threads.awaitLoaded();
  #closed: Promise<void> | undefined;

  /** See `serve`. */
  static async start(
    modules: string | URL | readonly (string | URL)[],
    settings: Settings,
    { onFatal }: ServeOptions,
  ): Promise<EmbeddedService> {
    const named = typeof modules === 'string' || modules instanceof URL ? [modules] : modules;
    const config = readSettings(named, settings);
    // Standard output belongs to the host process.
    const log = await createLog(
      { level: config.logLevel, terminal: false },
      { write: (line) => void process.stderr.write(line) },
    );
    let began = (_failure?: WarrenError) => {};
    let isStarting = true;
    const beginning = new Promise<WarrenError | undefined>((resolve) => {
      began = (failure) => {
        isStarting = false;
        resolve(failure);
      };
    });
    const begun = beginOwner(config, false);
    const service = await Service.start({
      version,
      config,
      log,
      begun,
      onState: () => began(),
      onFatal: (code, reason) => {
        const error = new WarrenError(code as ErrorCode, reason);
        if (isStarting) began(error);
        else if (onFatal) onFatal(error);
        else log.fatal({ code }, reason);
      },
    });
    const embedded = new EmbeddedService(service, begun.threads, config.serving.host, config.bodyLimitBytes);
    const failure = await beginning;
    if (!failure) return embedded;
    await embedded.close();
    throw failure;
  }

  private constructor(service: Service, threads: OwnerThreads, host: string, bodyLimit: number) {
    this.#service = service;
    this.#threads = threads;
    this.#bodyLimit = bodyLimit;
    this.url = `http://${reachable(host)}:${service.port}`;
    let number = 0;
    const messages = new Map<string, Numbered>();
    for (const { name, messageList } of service.definitions) {
      for (const message of messageList)
        messages.set(`${name}/${message.name}`, { message, number: number++ });
    }
    this.#messages = messages;
    process.on('exit', this.#onExit);
  }

  ask<Reply>(actor: string, key: string, name: string, input?: unknown): Promise<Answer<Reply>> {
    return new Promise<Answer<Reply>>((resolve, reject) => {
      const found = this.#messages.get(`${actor}/${name}`);
      if (!found) throw new AskError('not-found', `${actor} has no message ${name}`);
      const { message, number } = found;
      const body = Buffer.from(message.kind === 'query' ? searchOf(input) : textOf(input));
      if (body.length > this.#bodyLimit)
        throw new AskError('body-too-large', `an input has at most ${this.#bodyLimit} bytes`);
      const isQuery = message.kind === 'query';
      this.#service.mailbox.ask(
        number,
        encodedKey(key),
        body,
        new InProcessAsk(
          (answer) => resolve(answer as Answer<Reply>),
          reject,
          isQuery ? body.toString() : '',
        ),
      );
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#service.close('close()').then(() => {
      process.off('exit', this.#onExit);
    });
    return this.#closed;
  }
}

/** @throws AskError */
function textOf(input: unknown): string {
  if (input === undefined) return '';
  try {
    return textWithin(check(input, 'input'), 'input', Number.POSITIVE_INFINITY);
  } catch (error) {
    throw new AskError('bad-input', messageOf(error));
  }
}

/** @throws AskError */
function encodedKey(key: unknown): string {
  if (typeof key !== 'string' || key === '' || Buffer.byteLength(key) > KEY_LIMIT)
    throw new AskError('key-invalid');
  try {
    return encodeURIComponent(key);
  } catch {
    throw new AskError('key-invalid', 'it has half of a surrogate pair');
  }
}

function reachable(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Warren as a library: serves actors inside a process that does other things, too. It never ends that process, takes no signals, and reads no
 * environment variables. Modules of actors import this file on the owner thread as well, so the server itself is loaded only when `serve` is called.
 */
import type { Answer } from './client/client-types.js';
import type { Settings } from './config/settings.js';

export type { Settings };

/** What `serve` takes beside its settings. */
export interface ServeOptions {
  /**
   * Called when the service cannot go on. It refuses every request from then on. Reasons: another process has taken the store, the store has
   * lost commits that it had confirmed, or the owner thread dies again and again. Errors of the start are thrown by `serve` instead.
   */
  readonly onFatal?: (error: Error & { readonly code: string }) => void;
}

/** A running Warren. */
export interface Service {
  /** Where it answers over HTTP, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Sends a message to an actor and waits for the answer, without HTTP. Order and durability are those of a request over HTTP.
   *
   * @param actor name of the actor.
   * @param key 1 to 256 bytes of UTF-8.
   * @param message name of the command or query.
   * @param input JSON for a command, an object of strings for a query.
   * @throws AskError when there is neither a reply nor a refusal.
   */
  ask<Reply = unknown>(actor: string, key: string, message: string, input?: unknown): Promise<Answer<Reply>>;
  /** Stops: answers and commits what is pending, then closes store and port. Takes `SHUTDOWN_TIMEOUT_MS` at the most. */
  close(): Promise<void>;
}

/**
 * Starts Warren inside this process. Resolves when it answers requests, which it also does while its store is away or another instance
 * serves. It does not end the process, takes no signals, and reads no environment variables.
 *
 * @param modules file URLs or paths of modules whose default export is an actor, or an array of actors.
 * @param settings see `docs/configuration.md`.
 * @throws WarrenError `config-invalid`, `actor-invalid`, `listen-failed`, or what keeps the store from being opened, such as `folder-in-use`.
 */
export async function serve(
  modules: string | URL | readonly (string | URL)[],
  settings: Settings = {},
  options: ServeOptions = {},
): Promise<Service> {
  const { EmbeddedService } = await import('./embedded-service.js');
  return EmbeddedService.start(modules, settings, options);
}

/**
 * Warren as a library: actors served by a process that has other things to do, too. Nothing of it ends that process, takes its signals, or
 * reads its environment. A module of actors imports this file on the owner thread as well, so the server itself is loaded by `serve` alone.
 */
import type { Answer } from './client/client-types.js';
import type { Settings } from './config/settings.js';

export type { Settings };

export interface ServeOptions {
  /**
   * The service cannot go on, and refuses every request from now on: another process has taken the store, the store has lost what it had
   * confirmed, or the owner thread dies again and again. Errors of the start are thrown by `serve` instead.
   */
  readonly onFatal?: (error: Error & { readonly code: string }) => void;
}

export interface Service {
  /** Where it answers over HTTP. */
  readonly url: string;
  /**
   * Sends a message as a client would, by the same queue and the same gate.
   *
   * @param input JSON for a command, search parameters for a query.
   * @throws AskError when there is neither a reply nor a refusal.
   */
  ask<Reply = unknown>(actor: string, key: string, message: string, input?: unknown): Promise<Answer<Reply>>;
  /** Answers and commits what is pending, and ends: after `SHUTDOWN_TIMEOUT_MS` at the latest. */
  close(): Promise<void>;
}

/**
 * Resolves when the service answers: also while its store is away, or while another instance owns it.
 *
 * @param modules file URLs or paths of modules whose default export is an actor, or an array of actors.
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

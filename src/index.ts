/** What a module of actors imports: `actor` and `refuse` to define an actor, `serve` to run Warren inside a process of your own. */

export { AskError } from './ask-error.js';
export type { Answer, AnyRefusal } from './client/client-types.js';
export { type Actor, actor, type Context, type Outcome, type Refusal, refuse } from './runtime/actor.js';
export { type ServeOptions, type Service, type Settings, serve } from './serve.js';

/** The public API, and nothing else: what a module of actors imports. */
export { type Actor, actor, type Context, type Outcome, type Refusal, refuse } from './runtime/actor.js';

/** What `warren/test` exports. */
export { TestActor, type TestOptions, TurnError } from './test-actor.js';

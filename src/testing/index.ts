/** One actor in the process of a test, without threads, store or HTTP. Works with any test runner. */
export { type CrashTime, TestActor, type TestOptions, TurnError } from './test-actor.js';

/** The client for actors behind HTTP, for Node.js and for browsers. It loads nothing of the server. */
export { type CallOptions, type ClientOptions, createClient } from './client.js';
export type { Answer, AnyRefusal, Client, Handle, Receipt, Wire } from './client-types.js';
export { NoAnswerError } from './no-answer-error.js';
export { ProblemError } from './problem-error.js';

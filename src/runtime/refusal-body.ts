/**
 * What tells a refusal from a problem of Warren itself, which may have the same code: the type of its body (RFC 9457). No imports that a browser
 * lacks: the client reads it, too.
 */
export const REFUSAL_TYPE = 'urn:warren:refusal';

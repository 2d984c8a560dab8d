/**
 * The `type` of a body (RFC 9457) that says: the actor has refused. A problem of Warren itself, which may have the same code, has another
 * type. The client imports this file too, so it must run in a browser.
 */
export const REFUSAL_TYPE = 'urn:warren:refusal';

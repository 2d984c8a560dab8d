/** The interface through which a response gets the digits for the index in a reply. Main thread only. */
export interface Digits {
  /** The memory in which the digits stand. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  /** Bytes around the digits, on each side, in which the JSON of a reply may be written. */
  readonly margin: number;
  /**
   * Addresses of the first digit and after the last digit, good until the next call. Replies are asked for in the order in which the owner gave
   * them. Undefined when the digits of this one are out of reach.
   */
  locate(reply: number): { readonly start: number; readonly end: number } | undefined;
}

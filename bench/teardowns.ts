/**
 * What must end with the bench, or with a part of it: servers, load generators, folders, control groups. Ends run
 * in reverse order, each exactly once, and one that fails does not keep the others from running.
 */
export class Teardowns {
  #ends: (() => Promise<unknown>)[] = [];

  teardown(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async run(): Promise<void> {
    const ends = this.#ends.reverse();
    this.#ends = [];
    const failures: unknown[] = [];
    for (const end of ends) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be ended');
  }
}

/** Runs `body` with ends of its own, which also run when the outer ones do. */
export async function scoped<T>(outer: Teardowns, body: (inner: Teardowns) => Promise<T>): Promise<T> {
  const inner = new Teardowns();
  outer.teardown(() => inner.run());
  try {
    return await body(inner);
  } finally {
    await inner.run();
  }
}

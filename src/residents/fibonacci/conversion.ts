/**
 * What a format thread does: the two steps from an index to decimal digits that are real work on large integers. Neither keeps anything, so any
 * thread can take any task, and a task whose thread has died is given again.
 */
import { fibonacciPair } from './fibonacci.js';

export type ConversionTask =
  /** F(index) and F(index + 1) by fast doubling. `steps`, in shared memory, is told how many of its steps are done, and of how many. */
  | { readonly kind: 'pair'; readonly index: number; readonly steps: Int32Array }
  | { readonly kind: 'decimal'; readonly value: bigint }
  /** The digits of F(index). */
  | { readonly kind: 'term'; readonly index: number };

export function convert(task: ConversionTask): [bigint, bigint] | string {
  switch (task.kind) {
    case 'pair':
      return fibonacciPair(task.index, (done, all) => {
        task.steps[0] = done;
        task.steps[1] = all;
      });
    case 'decimal':
      return task.value.toString();
    case 'term':
      return fibonacciPair(task.index)[0].toString();
    default:
      throw new TypeError(`unknown task: ${JSON.stringify(task satisfies never)}`);
  }
}

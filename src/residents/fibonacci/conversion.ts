/**
 * The tasks of a piscina thread: the two steps from an index to decimal digits, which take long for large integers. They are pure functions, so
 * any thread can run any task, and a task whose thread has died is run again.
 */
import { fibonacciPair } from './fibonacci.js';

export type ConversionTask =
  /** F(index) and F(index + 1) by fast doubling. The task writes into `steps` how many steps are done, and how many there are. */
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

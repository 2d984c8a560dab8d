/** Defines the charts of the live page: one for each question that an operator asks. */
import type { Sample } from './feed.js';
import { megabytes, milliseconds, percent, short } from './format.js';

type Colour = 'one' | 'two' | 'three' | 'low' | 'mid' | 'high';

export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly filled?: boolean;
  readonly value: (sample: Sample) => number | undefined;
}

export interface ChartSpec {
  readonly title: string;
  readonly write: (value: number | undefined) => string;
  readonly logarithmic?: boolean;
  /** The axis reaches so far at the least. */
  readonly least: number;
  /** Steps between the axis' values, where round decimal ones would not do. */
  readonly increments?: readonly number[];
  readonly series: readonly Series[];
  /** The built-in application that it is about; shown only where that is served. */
  readonly resident?: 'fibonacci';
}

export const SPECS: readonly ChartSpec[] = [
  {
    title: 'Answers a second',
    write: short,
    least: 10,
    series: [
      { name: 'commands', colour: 'one', filled: true, value: ({ rates }) => rates.commands },
      { name: 'queries', colour: 'two', value: ({ rates }) => rates.queries },
      { name: 'problems', colour: 'three', value: ({ rates }) => rates.problems },
    ],
  },
  {
    title: 'Latency, request to reply',
    write: milliseconds,
    logarithmic: true,
    least: 10,
    series: [
      { name: 'p50', colour: 'low', value: ({ latency }) => latency.p50 },
      { name: 'p90', colour: 'mid', value: ({ latency }) => latency.p90 },
      { name: 'p99', colour: 'high', value: ({ latency }) => latency.p99 },
    ],
  },
  {
    title: 'Pending requests',
    write: short,
    least: 10,
    series: [{ name: 'pending', colour: 'one', filled: true, value: ({ pending }) => pending }],
  },
  {
    title: 'Commit latency',
    write: milliseconds,
    logarithmic: true,
    least: 10,
    series: [
      { name: 'p50', colour: 'low', value: ({ commits }) => commits.latency.p50 },
      { name: 'p90', colour: 'mid', value: ({ commits }) => commits.latency.p90 },
      { name: 'p99', colour: 'high', value: ({ commits }) => commits.latency.p99 },
    ],
  },
  {
    title: 'What travels together',
    write: short,
    least: 4,
    series: [
      { name: 'actors a commit', colour: 'one', value: ({ commits }) => commits.group },
      { name: 'messages a batch', colour: 'two', value: ({ batch }) => batch },
    ],
  },
  {
    title: 'Digits of the current term',
    resident: 'fibonacci',
    write: short,
    least: 10,
    series: [
      { name: 'digits', colour: 'one', filled: true, value: ({ residents }) => residents.fibonacci?.digits },
    ],
  },
  {
    title: 'Busy threads',
    write: percent,
    least: 1,
    series: [
      { name: 'main', colour: 'one', value: ({ busy }) => busy.main },
      { name: 'owner', colour: 'two', value: ({ busy }) => busy.owner },
    ],
  },
  {
    title: 'Memory',
    write: megabytes,
    least: 64 * 2 ** 20,
    increments: [4, 5, 6, 7, 8, 9, 10].map((power) => 2 ** power * 2 ** 20),
    series: [
      { name: 'resident', colour: 'one', filled: true, value: ({ residentBytes }) => residentBytes },
      { name: 'main heap', colour: 'two', value: ({ heapBytes }) => heapBytes.main },
      { name: 'owner heap', colour: 'low', value: ({ heapBytes }) => heapBytes.owner },
    ],
  },
];

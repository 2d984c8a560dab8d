/** An actor for the container test: it counts, so whoever adds sees whether an addition was lost or came twice. */
export default {
  name: 'counter',
  initial: 0,
  commands: { add: (count) => ({ state: count + 1, reply: count + 1 }) },
  queries: { get: (count) => count },
};

/** How a program tells the race on which port it listens: the same line as Warren's. */
export function announce(port) {
  console.log(JSON.stringify({ msg: 'listening', port }));
}

/**
 * Options of Node for the threads of piscina, which tries `require` before `import`. Node 20 aborts the process when a thread is ended while `require` loads
 * an ES module that throws. So these threads cannot `require` an ES module, and piscina imports it.
 */
export const POOL_EXEC_ARGV: readonly string[] = process.allowedNodeEnvironmentFlags.has(
  '--experimental-require-module',
)
  ? ['--no-experimental-require-module']
  : [];

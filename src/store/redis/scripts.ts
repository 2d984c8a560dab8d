/**
 * What runs inside Redis. All keys of a script share a hash tag, see `redis-keys.ts`. A user of Redis needs the right to call
 * `EVAL` and `EVALSHA`, and whatever commands a script calls: they are listed beside it, to be named when Redis refuses.
 */

/**
 * KEYS: record. ARGV: the text that must be stored now ('' for none), its successor. A key that holds an empty text is
 * somebody's, and not the same as none.
 */
export const SWAP = {
  lua: `
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, GET, SET',
};

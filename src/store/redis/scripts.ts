/**
 * What runs inside Redis. All keys of a script share a hash tag, see `redis-keys.ts`. A user of Redis needs the right to call
 * `EVAL` and `EVALSHA`, and whatever commands a script calls: they are listed beside it, to be named when Redis refuses.
 */

/**
 * KEYS: record, lease. ARGV: the text that must be stored now ('' for none), its successor, the instance, the lease in
 * milliseconds. A key that holds an empty text is somebody's, and not the same as none. The lease is written first: if memory
 * runs out between the two writes, no commit has happened.
 */
export const SWAP = {
  lua: `
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then return 'held' end
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`,
  numberOfKeys: 2,
  commands: 'EVALSHA, EVAL, GET, SET',
};

/** KEYS: lease. ARGV: the instance. */
export const RELEASE = {
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'OK'
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, GET, DEL',
};

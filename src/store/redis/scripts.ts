/**
 * What runs inside Redis. All keys of a script share a hash tag, see `redis-keys.ts`. A user of Redis needs the right to call
 * `EVAL` and `EVALSHA`, and whatever commands a script calls: they are listed beside it, to be named when Redis refuses.
 */

/**
 * KEYS: fence, then one hash after the other: that of the states, and those of the records of single actors; then the windows, when there is something to
 * write or to delete in them: while a slot of a cluster moves, a script that names a key which is not there has to wait. ARGV: the fence that must be
 * stored now ('' for none), its successor, the number of hashes, the numbers of windows to write and to delete, the numbers of fields to write and to delete for each
 * hash; then, hash by hash, field and text of each to write and the fields to delete; then name and text of the windows to write, and the names of those to delete.
 *
 * Redis decides whether it has memory before the first write, for the whole script. Whether the user has the right, and whether a key is of
 * another program, it decides at each command, and takes none back: so the commands that change nothing come first, and ask for it.
 */
export const COMMIT_GROUP = {
  lua: `
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[1], ARGV[2], stored and 'NX' or 'XX')
local hashes, begun, ended = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local windows = KEYS[#KEYS]
if begun > 0 then redis.call('ZADD', windows, 'XX', 0, '') end
if begun + ended > 0 then redis.call('ZREMRANGEBYLEX', windows, '(x', '(x') end
local deletes = 0
for h = 1, hashes do deletes = deletes + ARGV[5 + 2 * h] end
if deletes > 0 or hashes > 1 then
  for h = 1, hashes do redis.call('HDEL', KEYS[1 + h], '') end
end
local at = 6 + 2 * hashes
for h = 1, hashes do
  for _ = 1, tonumber(ARGV[4 + 2 * h]) do
    redis.call('HSET', KEYS[1 + h], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  for _ = 1, tonumber(ARGV[5 + 2 * h]) do
    redis.call('HDEL', KEYS[1 + h], ARGV[at])
    at = at + 1
  end
end
for i = 1, begun + ended do
  redis.call('ZREMRANGEBYLEX', windows, '[' .. ARGV[at] .. ' ', '(' .. ARGV[at] .. '!')
  if i > begun then
    at = at + 1
  else
    redis.call('ZADD', windows, 0, ARGV[at] .. ' ' .. ARGV[at + 1])
    at = at + 2
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`,
  commands: 'EVALSHA, EVAL, GET, SET, HSET, HDEL, ZADD, ZREMRANGEBYLEX',
};

/**
 * KEYS: as above. ARGV: the bytes to end at, then what to read, of which a script can take some thousands: the field of a state, '~0 ' and the name of a
 * window, or '~', the number of the hash, a blank and the field. One script, so that the texts belong to the fence.
 */
export const LOAD_ACTORS = {
  lua: `
local texts, bytes, limit = {}, 0, tonumber(ARGV[1])
for i = 2, #ARGV do
  local hash, field, text = 1, ARGV[i], false
  if string.byte(field) == 126 then
    hash, field = string.match(field, '^~(%d+) (.*)$')
    hash = tonumber(hash)
  end
  if hash == 0 then
    local member = redis.call('ZRANGEBYLEX', KEYS[#KEYS], '[' .. field .. ' ', '(' .. field .. '!')[1]
    text = member and string.sub(member, #field + 2)
  else
    text = redis.call('HGET', KEYS[1 + hash], field)
  end
  texts[i - 1] = text or false
  bytes = bytes + #(text or '')
  if bytes >= limit then break end
end
return { redis.call('GET', KEYS[1]), texts }
`,
  commands: 'EVALSHA, EVAL, GET, HGET, ZRANGEBYLEX',
};

/**
 * KEYS: the states. ARGV: cursor and count of HSCAN, and how the keys of records begin: an actor's name follows, so they have the same hash
 * tag. Returns the next cursor, ids and texts in turn, and the records of each.
 */
export const READ_ACTORS = {
  lua: `
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local records = {}
for i = 1, #found[2], 2 do
  records[(i + 1) / 2] = redis.call('HGETALL', ARGV[3] .. found[2][i])
end
return { found[1], found[2], records }
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, HSCAN, HGETALL',
};

/** KEYS: the states, then the records of each actor. ARGV: ids of the actors. Returns the text of each, and its records. */
export const READ_THESE = {
  lua: `
local found = {}
for i = 1, #ARGV do
  found[i] = { redis.call('HGET', KEYS[1], ARGV[i]), redis.call('HGETALL', KEYS[1 + i]) }
end
return found
`,
  commands: 'EVALSHA, EVAL, HGET, HGETALL',
};

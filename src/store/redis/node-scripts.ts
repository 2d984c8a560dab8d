/**
 * The Lua scripts of the registry of nodes: heartbeat, leave, list. All times come from the clock of Redis, so clocks of different machines are
 * never compared.
 */

/**
 * The heartbeat of a node: writes its entry, and removes the entries that have expired.
 *
 * KEYS: the nodes, a hash: name -> `{end} {renewals} {incarnation} {entry}`, the end in milliseconds since 1970. The empty name holds the
 * revision of the list, which changes whenever the list does.
 * ARGV: name, incarnation and entry of the node; the lifetime of the entry in milliseconds; the incarnation whose entry it may replace; the
 * revision that the node knows.
 * Returns the revision; when another process has the name: its entry and its renewals; the entries, when the revision is not the known one.
 */
export const BEAT_NODE = {
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HGETALL', KEYS[1])
local name, incarnation, entry, dead = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local revision, changed = '', false
local living, ended = {}, {}
local renewals, holder, known = 0, false, false
for i = 1, #found, 2 do
  local expires, count, writer, text = string.match(found[i + 1], '^(%d+) (%d+) (%S+) (.*)$')
  if found[i] == '' then
    revision = found[i + 1]
  elseif expires and found[i] == name then
    if writer == incarnation then
      renewals, known = tonumber(count), text == entry
    elseif tonumber(expires) > now and writer ~= dead then
      holder = { text, tonumber(count) }
      living[#living + 1] = text
    end
  elseif expires and tonumber(expires) > now then
    living[#living + 1] = text
  elseif expires then
    ended[#ended + 1] = found[i]
  end
end
if not holder then
  local expires = string.format('%.0f', now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], name, expires .. ' ' .. renewals + 1 .. ' ' .. incarnation .. ' ' .. entry)
  living[#living + 1] = entry
  changed = not known
end
for i = 1, #ended do
  redis.call('HDEL', KEYS[1], ended[i])
  changed = true
end
if changed or revision == '' then
  revision = time[1] .. '.' .. time[2] .. ' ' .. incarnation
  redis.call('HSET', KEYS[1], '', revision)
end
return { revision, holder, revision ~= ARGV[6] and living }
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGETALL, HSET, HDEL',
};

/** Removes the entry of a node that leaves. KEYS: as above. ARGV: its name and incarnation. */
export const LEAVE_NODE = {
  lua: `
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found or string.match(found, '^%d+ %d+ (%S+) ') ~= ARGV[2] then return end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], '', time[1] .. '.' .. time[2] .. ' ' .. ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGET, HSET, HDEL',
};

/** Reads the list. KEYS: as above. Returns the entries that have not expired, and writes nothing. */
export const LIST_NODES = {
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local living = {}
local found = redis.call('HGETALL', KEYS[1])
for i = 2, #found, 2 do
  local expires, text = string.match(found[i], '^(%d+) %d+ %S+ (.*)$')
  if expires and tonumber(expires) > now then living[#living + 1] = text end
end
return living
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGETALL',
};

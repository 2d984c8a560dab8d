-- Commands to counters. Arguments: how many keys; and the first one to take, each after the other, or -1 for keys at random. At the end prints one line of JSON, as wrk.lua does; times are in microseconds.

function init(args)
  local keys, first = tonumber(args[1]), tonumber(args[2])
  local body = '{"by":1}'
  local headers = { ["Content-Type"] = "application/json" }
  local one = wrk.format("POST", "/counter/k0/add", headers, body)
  local count = first
  math.randomseed(os.time())
  function request()
    if keys == 1 then return one end
    count = count + 1
    local key = first >= 0 and (count - 1) % keys or math.random(0, keys - 1)
    return wrk.format("POST", "/counter/k" .. key .. "/add", headers, body)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local answered = math.max(0, summary.requests - errors.status - errors.timeout)
  print(string.format(
    '\n{"requests":%d,"duration":%d,"errors":%d,"mean":%.3f,"p50":%d,"p90":%d,"p99":%d,"p999":%d}',
    answered, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)
  ))
end

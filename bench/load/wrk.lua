-- Two arguments, each 0 for never: every so many requests is a /next instead of the one on the command line; and the load
-- ends after so many answers, although wrk itself ends after its time.
-- At the end prints one line of JSON; times are in microseconds.

function init(args)
  local every, limit = tonumber(args[1]), tonumber(args[2])
  if every > 0 then
    local usual, next = wrk.format("GET"), wrk.format("GET", "/next")
    local count = 0
    function request()
      count = count + 1
      if count % every == 0 then return next end
      return usual
    end
  end
  if limit > 0 then
    local answers = 0
    function response()
      answers = answers + 1
      if answers == limit then wrk.thread:stop() end
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  -- wrk counts an answer with a status of 400 or more as a request, and one that came too late, too.
  local answered = math.max(0, summary.requests - errors.status - errors.timeout)
  print(string.format(
    '\n{"requests":%d,"duration":%d,"errors":%d,"mean":%.3f,"p50":%d,"p90":%d,"p99":%d,"p999":%d}',
    answered, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)
  ))
end

local now_ms, kept_ms, longest_ms = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local wait_ms = 0
for i = 4, #ARGV, 2 do
  local next_ms = tonumber(redis.call('HGET', ARGV[i], 'next_ms') or '0')
  -- No delay is longer than the longest, also after the clock was set back.
  wait_ms = math.max(wait_ms, math.min(next_ms - now_ms, longest_ms))
end
if wait_ms > 0 then
  return wait_ms
end
for i = 4, #ARGV, 2 do
  local excess = redis.call('HINCRBY', ARGV[i], 'count', 1) - tonumber(ARGV[i + 1])
  local next_ms = 0
  if excess > 0 then
    next_ms = now_ms + math.min(longest_ms, 1000 * 2 ^ math.min(excess - 1, 20))
  end
  redis.call('HSET', ARGV[i], 'next_ms', string.format('%.0f', next_ms))
  redis.call('PEXPIRE', ARGV[i], kept_ms)
end
return 0

local place, expected, new, left_ms = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', place) ~= expected then
  return 0
end
redis.call('SET', place, new, 'PX', left_ms)
return 1

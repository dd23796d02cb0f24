local now, drawn = tonumber(redis.call('TIME')[1]), {}
for i, camera in ipairs(ARGV) do
  local held = tonumber(string.match(redis.call('HGET', KEYS[1], camera) or '0', '^%d+'))
  local last = tonumber(redis.call('HGET', KEYS[2], camera) or '0')
  drawn[i] = string.format('%.0f', math.max(held + 1, last + 1, now))
  redis.call('HSET', KEYS[2], camera, drawn[i])
end
return drawn

local P, now_ms, until_ms, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. ':due', '-inf', now_ms, 'LIMIT', 0, most)) do
  redis.call('ZADD', P .. ':due', until_ms, id)
  found[#found + 1] = redis.call('HGET', P .. ':deliveries', id) or ''
end
return found

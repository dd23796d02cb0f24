local there = redis.call('HGET', KEYS[1], ARGV[1])
if not there or cjson.decode(there).version < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end

if redis.call('HSETNX', KEYS[1] .. ':pl', ARGV[1], ARGV[2]) == 1 then
  redis.call('HINCRBY', KEYS[1] .. ':pl', 'sum', struct.unpack('<I4', ARGV[1]) + 1)
end
return redis.call('HGET', KEYS[1] .. ':pl', ARGV[1])

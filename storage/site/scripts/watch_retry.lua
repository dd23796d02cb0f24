local P, id = KEYS[1], ARGV[1]
if redis.call('HEXISTS', P .. ':deliveries', id) == 1 then
  redis.call('HSET', P .. ':deliveries', id, ARGV[2])
  redis.call('ZADD', P .. ':due', ARGV[3], id)
end

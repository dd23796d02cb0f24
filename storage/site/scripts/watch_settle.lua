local P, id, dead, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
redis.call('HDEL', P .. ':deliveries', id)
redis.call('ZREM', P .. ':due', id)
if dead ~= '' then
  redis.call('LPUSH', P .. ':dead', dead)
  redis.call('LTRIM', P .. ':dead', 0, most - 1)
end

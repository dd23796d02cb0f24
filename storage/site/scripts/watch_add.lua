local most, seen_s, position, added = ARGV[1], ARGV[2], ARGV[3], {}
for i = 4, #ARGV, 4 do
  local id, match, delivery, due_ms = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if redis.call('SET', P .. ':seen:' .. id, 1, 'NX', 'EX', seen_s) then
    arrive(most, match)
    if delivery ~= '' then
      redis.call('HSET', P .. ':deliveries', id, delivery)
      redis.call('ZADD', P .. ':due', due_ms, id)
    end
    added[#added + 1] = id
  end
end
redis.call('SET', P .. ':position', position)
return added

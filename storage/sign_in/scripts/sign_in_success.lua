for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '0' then
    redis.call('DEL', ARGV[i])
  elseif tonumber(redis.call('HGET', ARGV[i], 'count') or '0') > 0 then
    redis.call('HINCRBY', ARGV[i], 'count', -1)
  end
end
return 0

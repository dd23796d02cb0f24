local place, step, kept_s = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if step <= tonumber(redis.call('GET', place) or '-1') then
  return 0
end
redis.call('SET', place, step, 'EX', kept_s)
return 1

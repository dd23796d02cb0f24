local held = redis.call('GET', KEYS[1] .. ':lease')
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1] .. ':lease', ARGV[1], 'PX', ARGV[2])
return 1

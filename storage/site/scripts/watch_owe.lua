local P = KEYS[1]
local owed = tonumber(redis.call('GET', P .. ':owed') or ARGV[1])
redis.call('SET', P .. ':owed', string.format('%.0f', math.min(owed, tonumber(ARGV[1]))))
redis.call('SET', P .. ':position', ARGV[2])

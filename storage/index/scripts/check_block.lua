local name = ARGV[1] .. ':' .. ARGV[2]
return { redis.call('GET', KEYS[1] .. ':b' .. name) or '', redis.call('GET', KEYS[1] .. ':a' .. name) or '' }

local counts = redis.call('HMGET', KEYS[1] .. ':k', ARGV[1], 'f' .. ARGV[1])
return { redis.call('GET', KEYS[1] .. ':h' .. ARGV[1]) or '', counts[1] or '0', counts[2] or '0' }

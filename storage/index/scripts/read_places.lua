return redis.call('HMGET', KEYS[1] .. ':pl', unpack(ARGV))

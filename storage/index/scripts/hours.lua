return redis.call('ZRANGE', KEYS[1] .. ':hours', 0, -1)

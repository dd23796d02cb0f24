return redis.call('SET', KEYS[1] .. ':version', ARGV[1])

local found = redis.call('HMGET', KEYS[1] .. ':x', unpack(ARGV)) for i = 1, #found do found[i] = found[i] or '' end return found

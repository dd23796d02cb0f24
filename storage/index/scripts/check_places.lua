return redis.call('HKEYS', KEYS[1] .. ':pl')

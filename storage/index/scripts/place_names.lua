local names = redis.call('HKEYS', KEYS[1] .. ':pl')
table.insert(names, 1, redis.call('HGET', KEYS[1] .. ':pl', 'sum') or '0')
return names

return { redis.call('GET', KEYS[1] .. ':version') or '1', tonumber(redis.call('GET', KEYS[1] .. ':n') or 0) }

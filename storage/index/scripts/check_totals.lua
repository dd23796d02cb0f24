local P = KEYS[1]
local function size(command, key) return redis.call(command, P .. key) end
return {
  redis.call('GET', P .. ':version') or '', redis.call('ZRANGE', P .. ':hours', 0, -1), tonumber(redis.call('GET', P .. ':n') or 0),
  size('STRLEN', ':t') / 6, size('LLEN', ':free'), size('HLEN', ':x'), redis.call('HGET', P .. ':pl', 'sum') or '0',
  size('BITCOUNT', ':live'),
}

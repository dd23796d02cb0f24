local function arrive(most, data)
  local before = last_number()
  local said = string.format('%.0f', math.max(tonumber(before) + 1, now_us()))
  redis.call('XADD', P .. ':items', 'MAXLEN', '~', most, said .. '-0', 'p', before, 'd', data)
  redis.call('SET', P .. ':last', said)
  return said
end

local sum = 0
for _, name in ipairs(redis.call('HKEYS', KEYS[1] .. ':pl')) do
  if #name == 4 then sum = sum + struct.unpack('<I4', name) + 1 end
end
if sum > 0 then redis.call('HSET', KEYS[1] .. ':pl', 'sum', string.format('%.0f', sum)) end

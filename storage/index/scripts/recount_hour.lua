local hour, events, faces = ARGV[1], 0, 0
for k = 0, #directory_of(hour) / 8 - 1 do
  local block = block_of(hour, k)
  for at = 1, #block, R do
    local record = sub(block, at, at + R - 1)
    if record ~= GONE then
      events = events + 1
      if bit.band(string.byte(record, 3), 0x40) ~= 0 then faces = faces + 1 end
      if sub(record, 25, 28) == NOWHERE then call('HSET', P .. ':pl', 'placeless', 1) end
    end
  end
end
if events > 0 then call('HSET', P .. ':k', hour, events) else call('HDEL', P .. ':k', hour) end
if faces > 0 then
  call('HSET', P .. ':k', 'f' .. hour, faces)
else
  call('HDEL', P .. ':k', 'f' .. hour)
end

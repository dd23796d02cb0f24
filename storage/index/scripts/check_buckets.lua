local count = 0
for bucket = ARGV[1], ARGV[2] do
  count = count + redis.call('HLEN', KEYS[1] .. ':p' .. string.format('%.0f', bucket))
end
return count

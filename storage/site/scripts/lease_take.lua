local node, most, standing = ARGV[1], tonumber(ARGV[2]), {}
for i = 3, #ARGV, 2 do
  local camera, fence = ARGV[i], ARGV[i + 1]
  local held = redis.call('HGET', KEYS[1], camera) or ''
  if tonumber(fence) > tonumber(string.match(held, '^%d+') or '-1') then
    local former = string.match(held, ' (.+)$')
    if former and former ~= node then
      local past, known = {held}, {[former] = true, [node] = true}
      for line in string.gmatch(redis.call('HGET', KEYS[2], camera) or '', '[^\n]+') do
        local name = string.match(line, ' (.+)$')
        if not known[name] and #past < most then
          known[name] = true
          past[#past + 1] = line
        end
      end
      redis.call('HSET', KEYS[2], camera, table.concat(past, '\n'))
    end
    held = fence .. ' ' .. node
    redis.call('HSET', KEYS[1], camera, held)
  end
  standing[#standing + 1] = held
end
return standing

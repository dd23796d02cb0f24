local last = last_number()
local first = redis.call('XRANGE', P .. ':items', '-', '+', 'COUNT', 1)[1]
local answer = {last, first and first[2][2] or last}
for _, item in ipairs(redis.call('XRANGE', P .. ':items', ARGV[1] .. '-1', '+', 'COUNT', ARGV[2])) do
  answer[#answer + 1] = string.match(item[1], '^%d+')
  answer[#answer + 1] = item[2][4]
end
return answer

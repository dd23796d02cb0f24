-- ARGV[1]: masks. Answers how many of the shard's plates meet one, and how many it has.
local count = meeting(ARGV[1])
call('DEL', FOUND)
return { count, call('BITCOUNT', P .. ':live') }

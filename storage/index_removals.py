"""What runs inside Redis to take events out of the index: single ones, and whole hours. See index_writes."""

from __future__ import annotations

from storage.index_writes import POSTINGS, SHARD

EVICT = (
    SHARD
    + POSTINGS
    + """
local function remove(hour, k, ordinal, record)
  forget(hour, k, ordinal, record)
  set_record(hour, k, ordinal, GONE)
  if string.find(block_of(hour, k), '[^%z]') == nil then drop_block(hour, k) end
  count_down(1)
end

-- Removes what this shard has of these events and is not newer. Answers for each: 0 nothing was here, 1 it is newer here, 2 removed.
local at, blob, answer = 1, ARGV[1], {}
while at <= #blob do
  local hour, start, tail, ended, clip
  hour, start, tail, ended, clip, at = unpack('<I4I4c10dB', blob, at)
  local k, ordinal, record = find(hour, start, tail)
  answer[#answer + 1] = 0
  if k then
    local here, there = standing(hour, k, ordinal, record), ended * 4 + clip
    answer[#answer] = here > there and 1 or 2
    if here <= there then remove(hour, k, ordinal, record) end
  end
end
return answer
"""
)

EXPIRE = (
    SHARD
    + POSTINGS
    + """
-- ARGV: an hour, most records. Forgets so many of the oldest block of the hours before it, and answers {how many, 1 where more are left}.
-- A call has an end however much there is; whatever it left, the next goes on with.
local before, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local hour = tonumber(call('ZRANGE', P .. ':hours', 0, 0)[1])
if not hour or hour >= before then return { 0, 0 } end
local directory, k = directory_of(hour), 0
while unpack('<I4', directory, k * 8 + 1) == 0xffffffff do k = k + 1 end
local block, gone, at = block_of(hour, k), 0, 0
while gone < most and at < #block do
  local record = sub(block, at + 1, at + R)
  if record ~= GONE then
    forget(hour, k, at / R, record)
    gone = gone + 1
  end
  at = at + R
end
if at < #block then call('SETRANGE', block_key(hour, k), 0, string.rep('\\0', at)) else drop_block(hour, k) end
if gone > 0 then count_down(gone) end
return { gone, 1 }
"""
)

LOOK = (
    SHARD
    + """
-- ARGV: most blocks, then runs of hour, least and greatest start. Answers the blocks that may hold these, 1 where they are more.
local most, answer = tonumber(ARGV[1]), {}
for at = 1, #ARGV[2], 12 do
  local hour, least, greatest = unpack('<I4I4I4', ARGV[2], at)
  local directory = directory_of(hour)
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= greatest and high >= least then
      if #answer == most then return 1 end
      answer[#answer + 1] = call('GET', block_key(hour, k))
    end
  end
end
return answer
"""
)

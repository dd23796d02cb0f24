-- A plate with many pointers has them in order under a key of its own. Returns how many of the `count`
-- pointers are less than `number`.
local function how_many_less(key, count, number)
  local low, high, middle = 0, count, count - 1 -- asked first is the last one: most spans go on behind it
  while low < high do
    if to_number(call('GETRANGE', key, middle * 5, middle * 5 + 4), 1) < number then
      low = middle + 1
    else
      high = middle
    end
    middle = math.floor((low + high) / 2)
  end
  return low
end
local function in_order(pointers)
  local numbers = {}
  for at = 1, #pointers, 5 do numbers[#numbers + 1] = to_number(pointers, at) end
  table.sort(numbers)
  for i, number in ipairs(numbers) do numbers[i] = to_bytes(number) end
  return table.concat(numbers)
end

#!lua flags=no-writes
-- Measurements of many trials, trial by trial in order of arrival, until they have max_bytes together.
-- args: numbers, first (index of the first measurement wanted of the first trial), max_bytes.
-- Answers {number, measurements} of each trial that has any, how many of `numbers` are complete, and the index of the
-- first measurement wanted of the next trial.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local BLOCK = 100  -- measurements read at a time
local found, bytes, first = {}, 0, args.first
for i, number in ipairs(args.numbers) do
  local count = tonumber(redis.call('HGET', REPORTS, number) or 0)
  local measurements = {}
  if first < count then found[#found + 1] = {number, measurements} end
  while first < count do
    if bytes >= args.max_bytes then return {'OK', found, i - 1, first} end
    local fields = {}
    for index = first, math.min(count, first + BLOCK) - 1 do
      fields[#fields + 1] = string.format('%d:%d', number, index)
    end
    for _, measurement in ipairs(redis.call('HMGET', REPORTS, unpack(fields))) do
      measurements[#measurements + 1] = measurement
      bytes = bytes + #measurement
    end
    first = first + #fields
  end
  first = 0
end
return {'OK', found, #args.numbers, 0}

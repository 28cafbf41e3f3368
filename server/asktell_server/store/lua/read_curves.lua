#!lua flags=no-writes
-- Measurements of many trials, trial by trial in order of arrival, until they have max_bytes together.
-- args: numbers, most (measurements wanted of each trial), first (how many of those of the first trial to leave out),
-- max_bytes. Answers {number, measurements} of each trial that has any, how many of `numbers` are complete, and what
-- `first` must be for the next.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local BLOCK = 100  -- measurements read at a time

-- Index of one of `wanted` measurements out of `count`. The first and the last are among them, and one of each of equal
-- stretches in between; where in the stretch varies, so that no rhythm in which metrics are reported hides one of them.
local function index_of(place, wanted, count)
  if wanted == count then return place end
  if place == wanted - 1 then return count - 1 end
  if place == 0 then return 0 end
  local width = (count - 2) / (wanted - 2)
  local low, high = math.floor(1 + (place - 1) * width), math.floor(1 + place * width)
  return low + math.floor(place * 0.6180339887498949 % 1 * (high - low))
end

local found, bytes, first = {}, 0, args.first
for i, number in ipairs(args.numbers) do
  local count = tonumber(redis.call('HGET', REPORTS, number) or 0)
  local wanted = math.min(count, args.most)
  local measurements = {}
  if first < wanted then found[#found + 1] = {number, measurements} end
  while first < wanted do
    if bytes >= args.max_bytes then return {'OK', found, i - 1, first} end
    local fields = {}
    for place = first, math.min(wanted, first + BLOCK) - 1 do
      fields[#fields + 1] = string.format('%d:%d', number, index_of(place, wanted, count))
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

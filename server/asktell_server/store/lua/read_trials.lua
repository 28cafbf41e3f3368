#!lua flags=no-writes
-- Trials by number, each a row or false. args: numbers.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local rows = {}
for i, number in ipairs(args.numbers) do
  local value = redis.call('HGET', TRIALS, number)
  rows[i] = value and row(number, value) or false
end
return {'OK', rows}

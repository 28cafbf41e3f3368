#!lua flags=no-writes
-- A trial's measurements in order of arrival. args: number, first, limit.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
if redis.call('HEXISTS', TRIALS, args.number) == 0 then return {'NO_TRIAL'} end
local count = tonumber(redis.call('HGET', REPORTS, args.number) or 0)
local measurements = {}
for index = args.first, math.min(count, args.first + args.limit) - 1 do
  measurements[#measurements + 1] = redis.call('HGET', REPORTS, string.format('%d:%d', args.number, index))
end
return {'OK', measurements}

#!lua flags=no-writes
-- Head, log entries after a sequence, lapsed leases, the next to lapse and the clock, in one look.
-- args: after, limit, lapsed_limit, ready (whether what is prepared is wanted, too).
local head = read_head()
if not head then return {'NO_STUDY'} end
local time = redis.call('TIME')
local now = now_ms()
if set_back_ms(now) > 0 then return {'CLOCK_SET_BACK'} end  -- leases have to go back first

local entries = {}
if args.limit > 0 then
  entries = redis.call('XRANGE', LOG, string.format('%d-0', args.after + 1), '+', 'COUNT', args.limit)
end
local lapsed = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, args.lapsed_limit)
local next_lapse = redis.call('ZRANGEBYSCORE', LEASES, string.format('(%d', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local next_ms = next_lapse[2] and tonumber(next_lapse[2]) - now or -1
local ready = args.ready and redis.call('LRANGE', READY, 0, -1) or {}
return {'OK', head, entries, lapsed, next_ms, time[1], time[2], ready}

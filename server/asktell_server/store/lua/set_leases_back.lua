#!lua flags=allow-oom
-- Sets leases back with the clock, as every change does; for reads, which cannot. args: none.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
steady_now_ms()
return {'OK'}

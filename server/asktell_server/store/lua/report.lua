#!lua
-- Renews a lease and appends a measurement. args: number, lease, lease_ms (0 = without end), measurement (nil = none),
-- max_measurements, stop_reason (empty = none), fingerprint, ttl (0 = do not remember). Renewing is not logged; a measurement
-- is. The first reason to stop is kept beside the measurements.
local head = redis.call('HMGET', META, 'epoch', 'sequence', 'state')
local epoch, sequence, finished = head[1], tonumber(head[2]), head[3] == 'FINISHED'
if not epoch then return {'NO_STUDY'} end
local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
local trial = parse(redis.call('HGET', TRIALS, args.number))
if not trial then return {'NO_TRIAL'} end

if trial.state ~= 'RUNNING' or trial.lease ~= args.lease then
  return {'OK', 0, -1, trial.state, finished and 1 or 0, ''}
end
local stop_field = string.format('%d:stop', args.number)
local stop_reason = redis.call('HGET', REPORTS, stop_field) or ''
local count = tonumber(redis.call('HGET', REPORTS, args.number) or 0)
local repeated = memory and memory.kind == 'report' and memory.epoch == epoch
local appends = args.measurement and not repeated
if appends and count >= args.max_measurements then return {'LIMIT'} end

local deadline = -1
if appends then
  sequence = sequence + 1
  redis.call('HSET', REPORTS, args.number, count + 1, string.format('%d:%d', args.number, count), args.measurement)
  if stop_reason == '' and args.stop_reason ~= '' then
    stop_reason = args.stop_reason
    redis.call('HSET', REPORTS, stop_field, stop_reason)
  end
  append(sequence, 'M', args.number, string.format('%d\n', count) .. args.measurement)
  redis.call('HSET', META, 'sequence', sequence)
  publish(sequence)
end
if args.lease_ms > 0 then
  deadline = steady_now_ms() + args.lease_ms
  redis.call('ZADD', LEASES, deadline, args.number)
else
  redis.call('ZREM', LEASES, args.number)
end
if args.ttl > 0 then remember({kind = 'report', epoch = epoch, number = args.number}) end
return {'OK', 1, deadline, trial.state, finished and 1 or 0, stop_reason}

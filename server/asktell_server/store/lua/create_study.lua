#!lua
-- Creates a study. args: study, state, epoch, fingerprint, ttl.
-- A repeated request gets the study as it was created, even if it has been deleted since: nothing is done twice.
local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
if memory and memory.kind == 'create' then
  touch_request()
  return {'OK', {memory.epoch, memory.study, 1, 1, 0, 0, 0, false, false, false, false, false, false, false, false}}
end
if redis.call('EXISTS', META) == 1 then return {'EXISTS'} end

redis.call('HSET', META, 'epoch', args.epoch, 'study', args.study, 'revision', 1, 'state', args.state,
  'sequence', 1, 'number', 0, 'charged', 0)
append(1, 'S', 0, '1\n' .. args.study)
remember({kind = 'create', epoch = args.epoch, study = args.study})
publish(1)
return {'OK', read_head()}

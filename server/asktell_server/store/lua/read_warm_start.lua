#!lua flags=no-writes
-- The stored model hyperparameters. args: none.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local model = redis.call('HMGET', MODEL, 'sequence', 'payload')
return {'OK', model[1] and tonumber(model[1]) or false, model[2]}

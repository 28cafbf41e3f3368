#!lua
-- Keeps model hyperparameters. args: sequence, payload. Dropped silently: those older than what is stored, those of a
-- study that is gone, and those from behind the log's end, which belong to a deleted study of the same name.
local sequence = tonumber(redis.call('HGET', META, 'sequence') or -1)
local stored = tonumber(redis.call('HGET', MODEL, 'sequence') or -1)
if args.sequence <= sequence and args.sequence >= stored then
  redis.call('HSET', MODEL, 'sequence', args.sequence, 'payload', args.payload)
end
return {'OK'}

#!lua
-- Stores a piece of a snapshot to come. args: epoch, piece, data. Dropped silently: those of a study that is gone.
if redis.call('HGET', META, 'epoch') == args.epoch then redis.call('HSET', SNAPSHOT, 'piece:' .. args.piece, args.data) end
return {'OK'}

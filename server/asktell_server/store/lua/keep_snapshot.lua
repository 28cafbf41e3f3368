#!lua
-- Keeps a snapshot whose pieces are stored, and drops all other pieces. args: epoch, sequence, manifest, pieces.
if redis.call('HGET', META, 'epoch') ~= args.epoch then return {'OK', 0} end
local mark = mark_of(args.sequence)
if not mark then return {'OK', 0} end
local kept = redis.call('HMGET', SNAPSHOT, 'epoch', 'sequence', 'mark')
-- One that does not fit the log is no later one, whatever its position.
if kept[1] == args.epoch and tonumber(kept[2]) > args.sequence and kept[3] == mark_of(tonumber(kept[2])) then
  return {'OK', 0}
end
local named = {}
for _, piece in ipairs(args.pieces) do
  local field = 'piece:' .. piece
  if redis.call('HEXISTS', SNAPSHOT, field) == 0 then return {'OK', 0} end
  named[field] = true
end
for _, field in ipairs(redis.call('HKEYS', SNAPSHOT)) do
  if string.sub(field, 1, 6) == 'piece:' and not named[field] then redis.call('HDEL', SNAPSHOT, field) end
end
redis.call('HSET', SNAPSHOT, 'epoch', args.epoch, 'sequence', args.sequence, 'mark', mark, 'manifest', args.manifest,
  'pieces', cmsgpack.pack(args.pieces))
return {'OK', 1}

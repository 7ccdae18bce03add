-- Ends claims, each only if it is still held: its score must be the end of the lease that was given.
-- So neither a worker that outlived its lease nor a tracker that was removed meanwhile upsets the queue.
-- KEYS: the queue. ARGV: tracker id, end of its lease, new due time (ms) or '' to remove it; repeated.
-- Returns the number of claims that were still held.
local held = 0
for i = 1, #ARGV, 3 do
    local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if score and tonumber(score) == tonumber(ARGV[i + 1]) then
        held = held + 1
        if ARGV[i + 2] == '' then
            redis.call('ZREM', KEYS[1], ARGV[i])
        else
            redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
        end
    end
end
return held

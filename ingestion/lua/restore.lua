-- Brings the index in step with the truth without touching a lease: a score up to one lease from now may be
-- one, and stays; it comes due by itself. A later score can only be a due time, and is put right.
-- KEYS: the queue. ARGV: now plus the length of a lease (ms); then tracker id, due time (ms); repeated.
-- Returns the number of trackers that were missing or wrong.
local changed = 0
for i = 2, #ARGV, 2 do
    local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if not score
        or (tonumber(score) > tonumber(ARGV[1]) and tonumber(score) ~= tonumber(ARGV[i + 1])) then
        redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
        changed = changed + 1
    end
end
return changed

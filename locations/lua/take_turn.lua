-- Takes one turn of those that all processes share, if every window has room for it.
-- KEYS: the times (ms) of the turns within the longest window. Redis's own clock, since machines' clocks differ.
-- ARGV: a name for the turn that nobody else uses; then for each window its length (ms) and its greatest number.
-- Returns 0 if the turn is taken, otherwise the ms until there may be room.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local longest, wait = 0, 0
for i = 2, #ARGV, 2 do
    longest = math.max(longest, tonumber(ARGV[i]))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - longest)
for i = 2, #ARGV, 2 do
    local window, greatest = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    -- Room comes when the turn leaves the window that is the last but (greatest - 1).
    local turn = redis.call('ZREVRANGE', KEYS[1], greatest - 1, greatest - 1, 'WITHSCORES')
    if turn[2] then
        wait = math.max(wait, tonumber(turn[2]) + window - now)
    end
end
if wait > 0 then
    return wait
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], longest)
return 0

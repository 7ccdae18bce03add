-- Takes one request from the budget of the account that was asked longest ago among those with room left.
-- KEYS: for each account the times of its requests within the window.
-- ARGV: now, window (both ms), budget of an account, a name for the request that nobody else uses.
-- Returns the position of the account in KEYS, or 0 if none has room.
local chosen, chosen_last = 0, nil
for i, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', ARGV[1] - ARGV[2])
    if redis.call('ZCARD', key) < tonumber(ARGV[3]) then
        local last = tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or '-1')
        if not chosen_last or last < chosen_last then
            chosen, chosen_last = i, last
        end
    end
end
if chosen > 0 then
    redis.call('ZADD', KEYS[chosen], ARGV[1], ARGV[4])
    redis.call('PEXPIRE', KEYS[chosen], ARGV[2])
end
return chosen

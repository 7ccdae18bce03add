-- Claims the trackers that are due, oldest due first, by moving each to the end of its lease.
-- KEYS: the queue. ARGV: now, end of the lease (both ms), how many.
-- Returns tracker id, due time (ms), … in the order of due times.
local claimed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #claimed, 2 do
    redis.call('ZADD', KEYS[1], ARGV[2], claimed[i])
end
return claimed

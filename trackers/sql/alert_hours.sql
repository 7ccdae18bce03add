-- The hours in which trackers were seen under assignments, from a moment on, and the last few before it, which tell
-- their rhythm; in time order.
SELECT look.assignment_id, greatest(hour.first_seen_at, look.since), least(hour.last_seen_at, look.until)
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(froms)b::timestamptz[],
    %(sinces)b::timestamptz[],
    %(untils)b::timestamptz[]
) AS look (assignment_id, tracker_id, changed_since, since, until)
CROSS JOIN LATERAL (
    (
        SELECT first_seen_at, last_seen_at
        FROM trackers_hourlyposition
        WHERE tracker_id = look.tracker_id
            AND bucket_at > look.since - interval '1 hour'
            AND bucket_at < least(look.changed_since, look.until)
            AND last_seen_at >= look.since
            AND last_seen_at < look.changed_since
        ORDER BY bucket_at DESC
        LIMIT %(before)s
    )
    UNION ALL
    (
        SELECT first_seen_at, last_seen_at
        FROM trackers_hourlyposition
        WHERE tracker_id = look.tracker_id
            AND bucket_at > greatest(look.changed_since, look.since) - interval '1 hour'
            AND bucket_at < look.until
            AND first_seen_at < look.until
            AND last_seen_at >= look.since
            AND last_seen_at >= look.changed_since
    )
) AS hour
ORDER BY look.assignment_id, hour.first_seen_at

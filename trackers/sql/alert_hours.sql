-- The hours in which trackers were seen under assignments, from a moment on, and the last few before it, which tell
-- their rhythm; in time order.
SELECT
    assignment.assignment_id,
    greatest(hour.first_seen_at, assignment.since) AS first_seen_at,
    least(hour.last_seen_at, assignment.until) AS last_seen_at
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(changed_sinces)b::timestamptz[],
    %(sinces)b::timestamptz[],
    %(untils)b::timestamptz[]
) AS assignment (assignment_id, tracker_id, changed_since, since, until)
CROSS JOIN LATERAL (
    (
        SELECT first_seen_at, last_seen_at
        FROM trackers_hourlyposition
        WHERE tracker_id = assignment.tracker_id
            AND bucket_at > assignment.since - interval '1 hour'
            AND bucket_at < least(assignment.changed_since, assignment.until)
            AND last_seen_at >= assignment.since
            AND last_seen_at < assignment.changed_since
        ORDER BY bucket_at DESC
        LIMIT %(before)s
    )
    UNION ALL
    (
        SELECT first_seen_at, last_seen_at
        FROM trackers_hourlyposition
        WHERE tracker_id = assignment.tracker_id
            AND bucket_at > greatest(assignment.changed_since, assignment.since) - interval '1 hour'
            AND bucket_at < assignment.until
            AND first_seen_at < assignment.until
            AND last_seen_at >= assignment.since
            AND last_seen_at >= assignment.changed_since
    )
) AS hour
ORDER BY assignment.assignment_id, hour.first_seen_at

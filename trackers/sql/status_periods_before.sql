-- The last two status periods of each assignment that began before a moment, latest first.
SELECT
    change.assignment_id, period.id, period.status, period.location_id, period.started_at, period.fingerprint,
    period.ended_at
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(moments)b::timestamptz[]
) AS change (assignment_id, tracker_id, moment)
CROSS JOIN LATERAL (
    SELECT id, status, location_id, started_at, fingerprint, ended_at
    FROM trackers_statuschange
    WHERE tracker_id = change.tracker_id
        AND assignment_id = change.assignment_id
        AND retracted_at IS NULL
        AND started_at < change.moment
    ORDER BY started_at DESC
    LIMIT 2
) AS period

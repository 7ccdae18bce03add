-- The valid status periods of assignments that overlap [since, until): of each tracker those that began in it, and the last one
-- before.
SELECT
    period.id, chosen.tracker_id, chosen.assignment_id, period.status, period.location_id, period.started_at, period.ended_at
FROM ({assignments_in_order}) AS chosen (assignment_id, tracker_id)
CROSS JOIN LATERAL (
    SELECT id, assignment_id, status, location_id, started_at, ended_at
    FROM trackers_statuschange
    WHERE tracker_id = chosen.tracker_id
        AND retracted_at IS NULL
        AND started_at >= %(since)s::timestamptz
        AND started_at < %(until)s::timestamptz
    UNION ALL
    SELECT *
    FROM (
        SELECT id, assignment_id, status, location_id, started_at, ended_at
        FROM trackers_statuschange
        WHERE tracker_id = chosen.tracker_id AND retracted_at IS NULL AND started_at < %(since)s::timestamptz
        ORDER BY started_at DESC, fingerprint DESC
        LIMIT 1
    ) AS before
    WHERE before.ended_at IS NULL OR before.ended_at > %(since)s::timestamptz
) AS period
WHERE period.assignment_id = chosen.assignment_id

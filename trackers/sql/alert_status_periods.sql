-- The latest valid status periods of assignments, in time order, at most `most` of each.
SELECT assignment.assignment_id, period.status, period.location_id, period.started_at, period.ended_at
FROM unnest(%(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[]) AS assignment (assignment_id, tracker_id)
CROSS JOIN LATERAL (
    SELECT status, location_id, started_at, ended_at, fingerprint
    FROM trackers_statuschange
    WHERE tracker_id = assignment.tracker_id AND assignment_id = assignment.assignment_id AND retracted_at IS NULL
    ORDER BY started_at DESC, fingerprint DESC
    LIMIT %(most)s
) AS period
ORDER BY assignment.assignment_id, period.started_at, period.fingerprint

-- Keeps of each assignment of the trackers that goes on at a moment the last report before it that counts.
INSERT INTO trackers_acceptedbeforecutoff (assignment_id, seen_at, position, accuracy_m)
SELECT assignment.id, report.seen_at, report.position, report.accuracy_m
FROM trackers_assignment AS assignment
JOIN clients_productionrun AS run ON run.id = assignment.run_id
CROSS JOIN LATERAL (
    SELECT seen_at, position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = assignment.tracker_id
        AND seen_at >= greatest(lower(assignment.period), run.start_date::timestamp AT TIME ZONE 'UTC')
        AND seen_at < least(%(until)s::timestamptz, (run.end_date + 1)::timestamp AT TIME ZONE 'UTC')
        AND verdict = ''
    ORDER BY seen_at DESC
    LIMIT 1
) AS report
WHERE assignment.tracker_id = ANY(%(tracker_ids)b::bigint[])
    AND lower(assignment.period) < %(until)s::timestamptz
    AND coalesce(upper(assignment.period), 'infinity') > %(until)s::timestamptz
ON CONFLICT (assignment_id) DO UPDATE
SET seen_at = excluded.seen_at, position = excluded.position, accuracy_m = excluded.accuracy_m
WHERE trackers_acceptedbeforecutoff.seen_at < excluded.seen_at

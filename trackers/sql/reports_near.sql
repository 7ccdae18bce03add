-- Usable reports near a location, of the trackers that were assigned last to its runs: the newest ones of each.
SELECT
    report.tracker_id,
    report.seen_at,
    ST_Distance(report.position, location.center) AS distance_m,
    coalesce(report.accuracy_m, 0) AS accuracy_m,
    ST_X(report.position::geometry) AS longitude,
    ST_Y(report.position::geometry) AS latitude
FROM locations_location AS location
CROSS JOIN LATERAL (
    SELECT assignment.id, assignment.tracker_id, assignment.period, run.max_accuracy_m
    FROM locations_location_runs AS linked
    JOIN trackers_assignment AS assignment ON assignment.run_id = linked.productionrun_id
    JOIN clients_productionrun AS run ON run.id = assignment.run_id
    WHERE linked.location_id = location.id AND coalesce(upper(assignment.period), 'infinity') > %(since)s
    ORDER BY assignment.id DESC
    LIMIT %(assignments)s
) AS assigned
CROSS JOIN LATERAL (
    SELECT tracker_id, seen_at, position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = assigned.tracker_id
        AND seen_at >= greatest(lower(assigned.period), %(since)s)
        AND seen_at < coalesce(upper(assigned.period), 'infinity')
        AND verdict = ''
        AND (accuracy_m IS NULL OR accuracy_m <= assigned.max_accuracy_m)
        AND ST_DWithin(position, location.center, %(within_m)s)
    ORDER BY seen_at DESC
    LIMIT %(of_each)s
) AS report
WHERE location.id = %(location_id)s
LIMIT %(most)s

-- How the latest assignment of each tracker stands: last stay and last report within it. A tracker that never had an
-- assignment shows its last report.
SELECT
    chosen.tracker_id,
    latest.id AS assignment_id,
    coalesce(stay.status, 'CREATED') AS status,
    stay.location_id,
    stay.started_at,
    report.seen_at,
    report.received_at,
    report.position AS at,
    report.accuracy_m,
    coalesce(report.battery, '') AS battery
FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
LEFT JOIN LATERAL (
    SELECT id, period
    FROM trackers_assignment
    WHERE tracker_id = chosen.tracker_id
    ORDER BY lower(period) DESC
    LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT status, location_id, started_at
    FROM trackers_statuschange
    WHERE tracker_id = chosen.tracker_id AND assignment_id = latest.id AND retracted_at IS NULL
    ORDER BY started_at DESC, fingerprint DESC
    LIMIT 1
) AS stay ON true
LEFT JOIN LATERAL (
    SELECT seen_at, received_at, position, accuracy_m, battery
    FROM trackers_locationreport
    WHERE tracker_id = chosen.tracker_id
        AND seen_at >= coalesce(lower(latest.period), '-infinity')
        AND seen_at < coalesce(upper(latest.period), 'infinity')
    ORDER BY seen_at DESC, fingerprint DESC
    LIMIT 1
) AS report ON true

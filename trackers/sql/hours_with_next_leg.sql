-- The hours of the first way points after runs of hours: the legs that end there begin elsewhere now.
SELECT run.tracker_id, date_trunc('hour', report.seen_at, 'UTC')
FROM unnest(%(tracker_ids)b::bigint[], %(untils)b::timestamptz[]) AS run (tracker_id, until)
CROSS JOIN LATERAL (
    SELECT seen_at
    FROM trackers_locationreport
    WHERE tracker_id = run.tracker_id
        AND seen_at >= run.until
        AND coalesce(accuracy_m, 0) <= %(waypoint_m)s
        AND verdict NOT IN ('SUPERSEDED', 'OUTLIER', 'HELD')
    ORDER BY seen_at, fingerprint
    LIMIT 1
) AS report

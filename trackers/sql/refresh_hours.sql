-- Recomputes hours from all of their reports and status periods. OFFSET 0 keeps the planner to the index by tracker and time,
-- however small it believes the table to be. The hours come as runs of consecutive hours, each of which has
-- reports. Runs of the same way have no other reports between them; the way point before a way's first run begins the
-- leg that ends in it.
WITH run AS MATERIALIZED (
    SELECT tracker_id, since, until, way
    FROM unnest(
        %(tracker_ids)b::bigint[], %(sinces)b::timestamptz[], %(untils)b::timestamptz[], %(ways)b::integer[]
    ) AS given (tracker_id, since, until, way)
),
whole AS MATERIALIZED (
    SELECT tracker_id, way, min(since) AS since, max(until) AS until FROM run GROUP BY tracker_id, way
),
seen AS (
    SELECT run.way, run.tracker_id, true AS within, report.*
    FROM run
    CROSS JOIN LATERAL (
        SELECT
            seen_at, fingerprint, position, accuracy_m,
            verdict NOT IN ('OUTLIER', 'HELD') AS is_plausible,
            coalesce(accuracy_m, 0) <= %(waypoint_m)s AND verdict NOT IN ('SUPERSEDED', 'OUTLIER', 'HELD') AS is_waypoint
        FROM trackers_locationreport
        WHERE tracker_id = run.tracker_id AND seen_at >= run.since AND seen_at < run.until
        OFFSET 0
    ) AS report
    UNION ALL
    SELECT whole.way, whole.tracker_id, false, report.*
    FROM whole
    CROSS JOIN LATERAL (
        SELECT seen_at, fingerprint, position, accuracy_m, true, true
        FROM trackers_locationreport
        WHERE tracker_id = whole.tracker_id
            AND seen_at < whole.since
            AND coalesce(accuracy_m, 0) <= %(waypoint_m)s
            AND verdict NOT IN ('SUPERSEDED', 'OUTLIER', 'HELD')
        ORDER BY seen_at DESC, fingerprint DESC
        LIMIT 1
    ) AS report
),
walked AS (
    SELECT
        tracker_id,
        within,
        date_trunc('hour', seen_at, 'UTC') AS bucket_at,
        seen_at,
        fingerprint,
        position,
        accuracy_m,
        is_plausible,
        CASE WHEN is_waypoint THEN ST_Distance(position, lag(position) OVER way, false) END AS leg_m,
        coalesce(accuracy_m, 0) + coalesce(lag(accuracy_m) OVER way, 0) AS errors_m
    FROM seen
    WINDOW way AS (PARTITION BY way, is_waypoint ORDER BY seen_at, fingerprint)
),
hour AS (
    SELECT
        tracker_id,
        bucket_at,
        count(*) AS reports,
        min(seen_at) AS first_seen_at,
        max(seen_at) AS last_seen_at,
        ST_Centroid(
            (ST_Collect(position::geometry ORDER BY seen_at, fingerprint) FILTER (WHERE is_plausible))::geography
        ) AS centroid,
        (array_agg(position ORDER BY accuracy_m, seen_at, fingerprint) FILTER (WHERE is_plausible))[1] AS best_position,
        min(accuracy_m) FILTER (WHERE is_plausible) AS best_accuracy_m,
        coalesce(sum(leg_m ORDER BY seen_at, fingerprint) FILTER (WHERE leg_m > errors_m), 0) AS distance_m
    FROM walked
    WHERE within
    GROUP BY tracker_id, bucket_at
),
standing AS (
    SELECT
        whole.tracker_id,
        bucket_at,
        max(period.status) FILTER (WHERE period.until >= bucket_at + interval '1 hour') AS status,
        max(period.location_id) FILTER (WHERE period.until >= bucket_at + interval '1 hour') AS location_id,
        sum(lasted.minutes) FILTER (WHERE period.status = 'IN_TRANSIT') AS minutes_in_transit,
        sum(lasted.minutes) FILTER (WHERE period.status = 'IN_STORAGE') AS minutes_in_storage,
        sum(lasted.minutes) FILTER (WHERE period.status = 'DELIVERED') AS minutes_delivered
    FROM whole
    CROSS JOIN LATERAL (
        SELECT status, location_id, started_at, coalesce(ended_at, 'infinity') AS until
        FROM trackers_statuschange
        WHERE tracker_id = whole.tracker_id
            AND retracted_at IS NULL
            AND tstzrange(started_at, ended_at, '[)') && tstzrange(whole.since, whole.until, '[)')
        OFFSET 0
    ) AS period
    CROSS JOIN LATERAL generate_series(
        date_trunc('hour', greatest(period.started_at, whole.since), 'UTC'),
        least(period.until, whole.until) - interval '1 microsecond',
        interval '1 hour'
    ) AS bucket_at
    CROSS JOIN LATERAL (
        SELECT
            extract(
                epoch FROM least(period.until, bucket_at + interval '1 hour') - greatest(period.started_at, bucket_at)
            ) / 60 AS minutes
    ) AS lasted
    GROUP BY whole.tracker_id, bucket_at
)
INSERT INTO trackers_hourlyposition (
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m, distance_m,
    status, location_id, minutes_in_transit, minutes_in_storage, minutes_delivered
)
SELECT
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m, distance_m,
    coalesce(status, 'CREATED'),
    location_id,
    coalesce(minutes_in_transit, 0),
    coalesce(minutes_in_storage, 0),
    coalesce(minutes_delivered, 0)
FROM hour
LEFT JOIN standing USING (tracker_id, bucket_at)
ON CONFLICT (tracker_id, bucket_at) DO UPDATE
SET reports = excluded.reports,
    first_seen_at = excluded.first_seen_at,
    last_seen_at = excluded.last_seen_at,
    centroid = excluded.centroid,
    best_position = excluded.best_position,
    best_accuracy_m = excluded.best_accuracy_m,
    distance_m = excluded.distance_m,
    status = excluded.status,
    location_id = excluded.location_id,
    minutes_in_transit = excluded.minutes_in_transit,
    minutes_in_storage = excluded.minutes_in_storage,
    minutes_delivered = excluded.minutes_delivered

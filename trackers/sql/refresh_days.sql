-- Recomputes days from their hours, which stay when reports are dropped, and from the status periods. The centroid is the mean
-- of the hours' centroids on the sphere, weighted by their reports. OFFSET 0 keeps the planner to the indexes.
WITH day AS MATERIALIZED (
    SELECT tracker_id, bucket_at
    FROM unnest(%(tracker_ids)b::bigint[], %(bucket_ats)b::timestamptz[]) AS given (tracker_id, bucket_at)
),
summed AS (
    SELECT
        day.tracker_id,
        day.bucket_at,
        sum(hour.reports) AS reports,
        min(hour.first_seen_at) AS first_seen_at,
        max(hour.last_seen_at) AS last_seen_at,
        sum(hour.reports * cosd(hour.latitude) * cosd(hour.longitude) ORDER BY hour.bucket_at) AS x,
        sum(hour.reports * cosd(hour.latitude) * sind(hour.longitude) ORDER BY hour.bucket_at) AS y,
        sum(hour.reports * sind(hour.latitude) ORDER BY hour.bucket_at) AS z,
        (
            array_agg(hour.best_position ORDER BY hour.best_accuracy_m, hour.bucket_at)
            FILTER (WHERE hour.best_position IS NOT NULL)
        )[1] AS best_position,
        min(hour.best_accuracy_m) AS best_accuracy_m,
        sum(hour.distance_m ORDER BY hour.bucket_at) AS distance_m
    FROM day
    CROSS JOIN LATERAL (
        SELECT
            bucket_at, reports, first_seen_at, last_seen_at, best_position, best_accuracy_m, distance_m,
            ST_X(centroid::geometry) AS longitude,
            ST_Y(centroid::geometry) AS latitude
        FROM trackers_hourlyposition
        WHERE tracker_id = day.tracker_id
            AND bucket_at >= day.bucket_at
            AND bucket_at < day.bucket_at + interval '1 day'
        OFFSET 0
    ) AS hour
    GROUP BY day.tracker_id, day.bucket_at
),
standing AS (
    SELECT
        day.tracker_id,
        day.bucket_at,
        max(period.status) FILTER (WHERE period.until >= day.bucket_at + interval '1 day') AS status,
        max(period.location_id) FILTER (WHERE period.until >= day.bucket_at + interval '1 day') AS location_id,
        sum(lasted.minutes) FILTER (WHERE period.status = 'IN_TRANSIT') AS minutes_in_transit,
        sum(lasted.minutes) FILTER (WHERE period.status = 'IN_STORAGE') AS minutes_in_storage,
        sum(lasted.minutes) FILTER (WHERE period.status = 'DELIVERED') AS minutes_delivered
    FROM day
    CROSS JOIN LATERAL (
        SELECT status, location_id, started_at, coalesce(ended_at, 'infinity') AS until
        FROM trackers_statuschange
        WHERE tracker_id = day.tracker_id
            AND retracted_at IS NULL
            AND tstzrange(started_at, ended_at, '[)')
                && tstzrange(day.bucket_at, day.bucket_at + interval '1 day', '[)')
        OFFSET 0
    ) AS period
    CROSS JOIN LATERAL (
        SELECT
            extract(
                epoch FROM least(period.until, day.bucket_at + interval '1 day')
                - greatest(period.started_at, day.bucket_at)
            ) / 60 AS minutes
    ) AS lasted
    GROUP BY day.tracker_id, day.bucket_at
)
INSERT INTO trackers_dailyposition (
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m, distance_m,
    status, location_id, minutes_in_transit, minutes_in_storage, minutes_delivered
)
SELECT
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at,
    ST_SetSRID(ST_MakePoint(atan2d(y, x), atan2d(z, sqrt(x * x + y * y))), 4326)::geography,
    best_position, best_accuracy_m, distance_m,
    coalesce(status, 'CREATED'),
    location_id,
    coalesce(minutes_in_transit, 0),
    coalesce(minutes_in_storage, 0),
    coalesce(minutes_delivered, 0)
FROM summed
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

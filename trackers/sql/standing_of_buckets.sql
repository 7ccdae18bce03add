-- Brings the last status of buckets, and how long each status lasted, in line with the status periods; part of
-- refresh_standing.sql, which names the spans. Nothing else in a bucket comes from them, so no report is read. OFFSET 0
-- keeps the planner to the indexes. {table} and {unit} are filled in by code.
UPDATE {table} AS stored
SET status = told.status,
    location_id = told.location_id,
    minutes_in_transit = told.minutes_in_transit,
    minutes_in_storage = told.minutes_in_storage,
    minutes_delivered = told.minutes_delivered
FROM (
    SELECT
        tracker_id,
        bucket_at,
        coalesce(standing.status, 'CREATED') AS status,
        standing.location_id,
        coalesce(standing.minutes_in_transit, 0)::float8 AS minutes_in_transit,
        coalesce(standing.minutes_in_storage, 0)::float8 AS minutes_in_storage,
        coalesce(standing.minutes_delivered, 0)::float8 AS minutes_delivered
    FROM (
        SELECT DISTINCT span.tracker_id, reached.bucket_at
        FROM span
        CROSS JOIN LATERAL (
            SELECT bucket_at
            FROM {table}
            WHERE tracker_id = span.tracker_id
                AND bucket_at > span.since - interval '1 {unit}'
                AND bucket_at < span.until
            OFFSET 0
        ) AS reached
    ) AS bucket
    LEFT JOIN (
        SELECT
            tracker_id,
            bucket_at,
            max(status) FILTER (WHERE until >= bucket_at + interval '1 {unit}') AS status,
            max(location_id) FILTER (WHERE until >= bucket_at + interval '1 {unit}') AS location_id,
            sum(minutes) FILTER (WHERE status = 'IN_TRANSIT') AS minutes_in_transit,
            sum(minutes) FILTER (WHERE status = 'IN_STORAGE') AS minutes_in_storage,
            sum(minutes) FILTER (WHERE status = 'DELIVERED') AS minutes_delivered
        FROM (
            SELECT DISTINCT
                span.tracker_id,
                within.bucket_at,
                period.id,
                period.status,
                period.location_id,
                period.until,
                extract(
                    epoch FROM least(period.until, within.bucket_at + interval '1 {unit}')
                    - greatest(period.started_at, within.bucket_at)
                ) / 60 AS minutes
            FROM span
            CROSS JOIN LATERAL (
                SELECT id, status, location_id, started_at, coalesce(ended_at, 'infinity') AS until
                FROM trackers_statuschange
                WHERE tracker_id = span.tracker_id
                    AND retracted_at IS NULL
                    AND tstzrange(started_at, ended_at, '[)')
                        && tstzrange(span.since - interval '1 {unit}', span.until + interval '1 {unit}', '[)')
                OFFSET 0
            ) AS period
            CROSS JOIN LATERAL (
                SELECT bucket_at
                FROM {table}
                WHERE tracker_id = span.tracker_id
                    AND bucket_at > greatest(period.started_at, span.since) - interval '1 {unit}'
                    AND bucket_at < least(period.until, span.until)
                OFFSET 0
            ) AS within
        ) AS lasted
        GROUP BY tracker_id, bucket_at
    ) AS standing USING (tracker_id, bucket_at)
) AS told
WHERE stored.tracker_id = told.tracker_id
    AND stored.bucket_at = told.bucket_at
    AND (
        stored.status, stored.location_id,
        stored.minutes_in_transit, stored.minutes_in_storage, stored.minutes_delivered
    ) IS DISTINCT FROM (
        told.status, told.location_id,
        told.minutes_in_transit, told.minutes_in_storage, told.minutes_delivered
    )

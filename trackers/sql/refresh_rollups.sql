-- Recomputes the buckets that a write touched from all of their reports. {table} and {unit} are filled in by code.
INSERT INTO {table} (
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m
)
SELECT
    bucket.tracker_id,
    bucket.bucket_at,
    summary.reports,
    summary.first_seen_at,
    summary.last_seen_at,
    summary.centroid,
    best.position,
    best.accuracy_m
FROM unnest(%(tracker_ids)b::bigint[], %(bucket_ats)b::timestamptz[]) AS bucket (tracker_id, bucket_at)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS reports,
        min(seen_at) AS first_seen_at,
        max(seen_at) AS last_seen_at,
        ST_Centroid(ST_Collect(position::geometry ORDER BY seen_at, fingerprint)::geography) AS centroid
    FROM trackers_locationreport
    WHERE tracker_id = bucket.tracker_id
        AND seen_at >= bucket.bucket_at
        AND seen_at < bucket.bucket_at + interval '1 {unit}'
) AS summary
CROSS JOIN LATERAL (
    SELECT position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = bucket.tracker_id
        AND seen_at >= bucket.bucket_at
        AND seen_at < bucket.bucket_at + interval '1 {unit}'
    ORDER BY accuracy_m NULLS LAST, seen_at, fingerprint
    LIMIT 1
) AS best
ON CONFLICT (tracker_id, bucket_at) DO UPDATE
SET reports = excluded.reports,
    first_seen_at = excluded.first_seen_at,
    last_seen_at = excluded.last_seen_at,
    centroid = excluded.centroid,
    best_position = excluded.best_position,
    best_accuracy_m = excluded.best_accuracy_m

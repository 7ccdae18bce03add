-- Recomputes the buckets that a write touched from all of their reports. {table} and {unit} are filled in by code.
INSERT INTO {table} (
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m
)
SELECT
    bucket.tracker_id,
    bucket.bucket_at,
    count(*),
    min(report.seen_at),
    max(report.seen_at),
    ST_Centroid(ST_Collect(report.position::geometry ORDER BY report.seen_at, report.fingerprint)::geography),
    (array_agg(report.position ORDER BY report.accuracy_m, report.seen_at, report.fingerprint))[1],
    min(report.accuracy_m)
FROM unnest(%(tracker_ids)b::bigint[], %(bucket_ats)b::timestamptz[]) AS bucket (tracker_id, bucket_at)
JOIN trackers_locationreport AS report
    ON report.tracker_id = bucket.tracker_id
    AND report.seen_at >= bucket.bucket_at
    AND report.seen_at < bucket.bucket_at + interval '1 {unit}'
GROUP BY bucket.tracker_id, bucket.bucket_at
ON CONFLICT (tracker_id, bucket_at) DO UPDATE
SET reports = excluded.reports,
    first_seen_at = excluded.first_seen_at,
    last_seen_at = excluded.last_seen_at,
    centroid = excluded.centroid,
    best_position = excluded.best_position,
    best_accuracy_m = excluded.best_accuracy_m

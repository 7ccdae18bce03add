-- The buckets that spans of time reach into. {table} and {unit} are filled in by code.
SELECT bucket.tracker_id, bucket.bucket_at
FROM unnest(%(tracker_ids)b::bigint[], %(sinces)b::timestamptz[], %(untils)b::timestamptz[])
    AS span (tracker_id, since, until)
JOIN {table} AS bucket
    ON bucket.tracker_id = span.tracker_id
    AND bucket.bucket_at > span.since - interval '1 {unit}'
    AND bucket.bucket_at < coalesce(span.until, 'infinity')

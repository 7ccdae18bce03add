-- Those of the trackers whose hours of a span don't count as many reports as there are.
SELECT chosen.tracker_id
FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
WHERE (
    SELECT count(*)
    FROM trackers_locationreport
    WHERE tracker_id = chosen.tracker_id AND seen_at >= %(since)s::timestamptz AND seen_at < %(until)s::timestamptz
) <> (
    SELECT coalesce(sum(reports), 0)
    FROM trackers_hourlyposition
    WHERE tracker_id = chosen.tracker_id AND bucket_at >= %(since)s::timestamptz AND bucket_at < %(until)s::timestamptz
)

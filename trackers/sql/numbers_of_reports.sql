-- How many reports a recomputation of each tracker has to read, up to `most`: those after the retention cutoff.
SELECT chosen.tracker_id, kept.reports
FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
LEFT JOIN trackers_retentioncutoff AS cutoff ON true
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS reports
    FROM (
        SELECT 1
        FROM trackers_locationreport
        WHERE tracker_id = chosen.tracker_id AND seen_at >= coalesce(cutoff.reports_kept_from, '-infinity')
        LIMIT %(most)s::integer
    ) AS report
) AS kept

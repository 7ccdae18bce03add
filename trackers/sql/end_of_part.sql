-- Where a part of so many usable reports from a position in event order on ends, exclusive: behind all reports of the
-- last one's moment. No row if there are fewer.
SELECT seen_at + interval '1 microsecond'
FROM trackers_locationreport
WHERE tracker_id = %(tracker_ids)s
    AND seen_at >= %(seen_ats)s
    AND seen_at < %(until)s
    AND (seen_at, fingerprint) >= (%(seen_ats)s, %(fingerprints)s)
    AND (accuracy_m IS NULL OR accuracy_m <= %(max_accuracy_m)s)
ORDER BY seen_at, fingerprint
OFFSET %(reports)s - 1
LIMIT 1

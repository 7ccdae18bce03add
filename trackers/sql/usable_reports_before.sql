-- The last usable reports of each assignment before a position in event order, latest first, at most `wanted` of each.
SELECT position.assignment_id, report.seen_at, report.fingerprint
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(seen_ats)b::timestamptz[],
    %(fingerprints)b::bytea[],
    %(sinces)b::timestamptz[],
    %(max_accuracies_m)b::integer[],
    %(wanted)b::integer[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, since, max_accuracy_m, wanted)
CROSS JOIN LATERAL (
    SELECT seen_at, fingerprint
    FROM trackers_locationreport
    WHERE tracker_id = position.tracker_id
        AND seen_at >= position.since
        AND seen_at <= position.seen_at
        AND (seen_at, fingerprint) < (position.seen_at, position.fingerprint)
        AND (accuracy_m IS NULL OR accuracy_m <= position.max_accuracy_m)
    ORDER BY seen_at DESC, fingerprint DESC
    LIMIT position.wanted
) AS report

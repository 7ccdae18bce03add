-- The usable reports of each assignment from a position in event order on, in event order.
SELECT
    position.assignment_id,
    report.seen_at,
    report.fingerprint,
    ST_X(report.position::geometry),
    ST_Y(report.position::geometry),
    report.accuracy_m
FROM unnest(
    %(assignment_ids)s::bigint[],
    %(tracker_ids)s::bigint[],
    %(seen_ats)s::timestamptz[],
    %(fingerprints)s::bytea[],
    %(untils)s::timestamptz[],
    %(max_accuracies_m)s::float8[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, until, max_accuracy_m)
CROSS JOIN LATERAL (
    SELECT seen_at, fingerprint, position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = position.tracker_id
        AND seen_at >= position.seen_at
        AND seen_at < position.until
        AND (seen_at, fingerprint) >= (position.seen_at, position.fingerprint)
        AND (accuracy_m IS NULL OR accuracy_m <= position.max_accuracy_m)
    ORDER BY seen_at, fingerprint
) AS report

-- Of each assignment the last accepted reports before a moment, at most `wanted`, and the last one after these that is
-- an outlier or held, if there is one.
SELECT
    change.assignment_id,
    report.verdict = '',
    report.seen_at,
    ST_Y(report.position::geometry),
    ST_X(report.position::geometry),
    report.accuracy_m
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(moments)b::timestamptz[],
    %(sinces)b::timestamptz[],
    %(untils)b::timestamptz[],
    %(wanted)b::integer[]
) AS change (assignment_id, tracker_id, moment, since, until, wanted)
CROSS JOIN LATERAL (
    WITH accepted AS MATERIALIZED (
        SELECT verdict, seen_at, position, accuracy_m
        FROM trackers_locationreport
        WHERE tracker_id = change.tracker_id
            AND seen_at >= change.since
            AND seen_at < least(change.moment, change.until)
            AND verdict = ''
        ORDER BY seen_at DESC
        LIMIT change.wanted
    )
    SELECT * FROM accepted
    UNION ALL
    (
        SELECT verdict, seen_at, position, accuracy_m
        FROM trackers_locationreport
        WHERE tracker_id = change.tracker_id
            AND seen_at >= change.since
            AND seen_at > coalesce((SELECT max(seen_at) FROM accepted), '-infinity')
            AND seen_at < least(change.moment, change.until)
            AND verdict IN ('OUTLIER', 'HELD')
        ORDER BY seen_at DESC
        LIMIT 1
    )
) AS report

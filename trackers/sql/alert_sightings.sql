-- The usable reports of assignments from a moment on, and the last two moments before it, in time order; of several
-- at one moment the most accurate. At most `most` of each.
SELECT
    look.assignment_id,
    sighting.seen_at,
    ST_Y(sighting.position::geometry),
    ST_X(sighting.position::geometry),
    coalesce(sighting.accuracy_m, 0)::float8,
    sighting.battery
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(froms)b::timestamptz[],
    %(sinces)b::timestamptz[],
    %(untils)b::timestamptz[],
    %(max_accuracies_m)b::integer[]
) AS look (assignment_id, tracker_id, changed_since, since, until, max_accuracy_m)
CROSS JOIN LATERAL (
    (
        SELECT DISTINCT ON (seen_at) seen_at, position, accuracy_m, battery
        FROM trackers_locationreport
        WHERE tracker_id = look.tracker_id
            AND seen_at >= look.since
            AND seen_at < least(look.changed_since, look.until)
            AND (accuracy_m IS NULL OR accuracy_m <= look.max_accuracy_m)
        ORDER BY seen_at DESC, accuracy_m, fingerprint
        LIMIT 2
    )
    UNION ALL
    (
        SELECT DISTINCT ON (seen_at) seen_at, position, accuracy_m, battery
        FROM trackers_locationreport
        WHERE tracker_id = look.tracker_id
            AND seen_at >= greatest(look.changed_since, look.since)
            AND seen_at < look.until
            AND (accuracy_m IS NULL OR accuracy_m <= look.max_accuracy_m)
        ORDER BY seen_at, accuracy_m, fingerprint
        LIMIT %(most)s
    )
) AS sighting
ORDER BY look.assignment_id, sighting.seen_at
